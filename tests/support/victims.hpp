// Processes that have something of a queue in their hands, to be killed or frozen, and those that
// sleep meanwhile.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include <millrace/millrace.hpp>

#include "support/child.hpp"

namespace test {

/// A process that does `prepare` and then stays as it is until killed.
template <class Prepare>
child someone_who(Prepare prepare) {
  const gate ready;
  auto someone = child::run([&] {
    const auto kept = prepare();
    ready.open();
    const gate never;
    never.await();
    return static_cast<int>(sizeof kept);
  });
  ready.await();
  return someone;
}

/// A process that does `call`: joins the queue "q", as the last of `participants`, and goes to
/// sleep, in which it is when this returns.
template <class Call>
child someone_asleep(const millrace::queue_options& options, std::size_t participants, Call call) {
  auto someone = child::run(call);
  eventually([&] {
    return millrace::stat("q", options.directory).participants.size() == participants &&
           process_state(someone.pid()) == 'S';
  });
  return someone;
}

struct writing {
  millrace::publisher p;
  millrace::reservation room;
};

inline writing begin_to_write(const millrace::queue_options& options, std::size_t size) {
  millrace::publisher p("q", options);
  auto room = p.try_reserve(size);
  expect(room.has_value());
  std::ranges::fill(room->bytes(), std::byte{0xDD});
  return {std::move(p), std::move(*room)};
}

struct reading {
  millrace::subscriber s;
  std::vector<millrace::message> loans;
};

inline reading begin_to_read(const millrace::queue_options& options, int count) {
  reading r{millrace::subscriber("q", options), {}};
  for (int i = 0; i < count; ++i) {
    auto m = r.s.dequeue();
    expect(m.has_value());
    r.loans.push_back(std::move(*m));
  }
  return r;
}

}  // namespace test
