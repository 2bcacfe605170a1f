// The arena and its checks.
#include "fault/single_step/arena.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "support/child.hpp"

namespace single_step {

using millrace::status;
using namespace std::chrono_literals;

namespace {

constexpr std::array<std::size_t, 2> numbered_sizes{12, 500};  // in one slot, and in two

}  // namespace

test::bytes contents(name message) {
  if (message < 0) {
    return test::pattern(static_cast<std::size_t>(-1 - message), 7);
  }
  return test::numbered(static_cast<std::uint32_t>(message),
                        numbered_sizes[static_cast<std::size_t>(message) % 5 == 1 ? 1 : 0]);
}

arrival recognised(std::span<const std::byte> bytes, bool redelivered) {
  const bool numbered = std::ranges::count(numbered_sizes, bytes.size()) != 0;
  const name message = numbered ? static_cast<name>(test::number_of(bytes)) : victims(bytes.size());
  test::expect(test::same(bytes, contents(message)), "a message's bytes");
  return {message, redelivered};
}

arena::arena(const setting& how, fate victims)
    : how_(how), semaphores_before_(test::named_semaphores()),
      // Those who were killed are to be found out first, those who are stopped gone around at once.
      patience_(victims == fate::killed ? 10ms : 0ms) {
  const auto something = contents(0);
  for (std::size_t i = 0; how.present && i < how.begin; ++i) {
    test::expect(publisher().try_enqueue(something) == status::ok && subscriber().try_dequeue());
  }
}

millrace::queue_options arena::options() const {
  auto options = directory_.options(slots * block_size, block_size);
  options.publishers = how_.publishers;
  options.subscribers = how_.subscribers;
  options.guarantee = how_.guarantee;
  options.life = how_.life;
  options.patience = patience_;
  return options;
}

millrace::publisher& arena::publisher() {
  if (!publisher_) {
    publisher_.emplace("q", options());
  }
  return *publisher_;
}

millrace::subscriber& arena::subscriber() {
  if (!subscriber_) {
    subscriber_.emplace("q", options());
  }
  return *subscriber_;
}

void arena::lend_publishing() {
  if (how_.publishers == millrace::role::exclusive) {
    publisher_.reset();
  }
}

void arena::lend_subscribing() {
  if (how_.subscribers == millrace::role::exclusive) {
    subscriber_.reset();
  }
}

void arena::start_anew() {
  publisher_.reset();
  subscriber_.reset();
  sent_ = 0;
  received_.clear();
}

void arena::send(int count) {
  for (int i = 0; i < count; ++i) {
    test::expect(publisher().enqueue(contents(sent_)) == status::ok, "sending");
    ++sent_;
  }
}

void arena::take(const std::optional<millrace::message>& m) {
  received_.push_back(recognised(m->bytes(), m->redelivered()));
}

void arena::receive() {
  while (count_of(received_, sent_ - 1) == 0) {
    const auto m = subscriber().dequeue();
    test::expect(m.has_value(), "receiving");
    take(m);
  }
}

void arena::exchange() {
  for (int i = 0; i < 10; ++i) {
    send(12);  // of 14 or 15 slots
    receive();
  }
}

void arena::look() {
  while (const auto m = subscriber().try_dequeue()) {
    take(m);
  }
}

void arena::drain() {
  do {
    for (int i = 0; i < 64; ++i) {
      look();
    }
  } while (info().used_slots != 0);
}

millrace::queue_info arena::info() const {
  return millrace::stat("q", directory_.path());
}

void arena::inspect_and_close() {
  int fit = 0;
  while (publisher().try_enqueue(contents(fit * 5)) == status::ok) {
    ++fit;
  }
  test::expect(fit == static_cast<int>(slots),
               "room for " + std::to_string(fit) + " messages of 64");
  for (int i = 0; i < fit; ++i) {
    const auto m = subscriber().dequeue();
    test::expect(m && test::same(m->bytes(), contents(i * 5)) && !m->redelivered(),
                 "the ring's contents afterwards");
  }
  test::expect(!subscriber().try_dequeue(), "an empty ring");
  publisher_.reset();
  subscriber_.reset();
  if (how_.life == millrace::lifetime::persistent) {
    const millrace::subscriber newcomer("q", options());
    test::expect(info().participants.size() == 1, "who takes part in the end");
  }
  millrace::remove("q", directory_.path());
  test::expect(directory_.entries().empty(), "files left behind");
  test::expect(test::named_semaphores() == semaphores_before_, "semaphores left behind");
}

void check_numbered(const std::vector<arrival>& all, int count) {
  int next = 0;
  for (const arrival& a : all) {
    if (a.message >= 0) {
      test::expect(a.message == next && !a.redelivered,
                   "message " + std::to_string(a.message) + " where " + std::to_string(next) +
                       " was due" + (a.redelivered ? ", redelivered" : ""));
      ++next;
    }
  }
  test::expect(next == count, "messages lost");
}

int count_of(const std::vector<arrival>& all, name message) {
  return static_cast<int>(std::ranges::count(all, message, &arrival::message));
}

}  // namespace single_step
