// Fuzzing: any bytes as the file of a queue, which is then opened, used, looked at and removed.
//
// An input is laid over the file of a fresh queue, densely: what it is, the rest of the header, the
// first participants, the words and shapes of the slots. Its first byte says how.
#include <algorithm>
#include <cstring>
#include <optional>
#include <vector>

#include <millrace/millrace.hpp>

#include "fuzz/input.hpp"
#include "fuzz/queue_file.hpp"
#include "queue/layout.hpp"
#include "queue/segment.hpp"

using namespace millrace::detail;
using fuzz::survive;
using millrace::status;

namespace {

enum how : std::uint8_t {
  bare = 1,       // nothing but the input, whatever it says
  identify = 2,   // lay it over what the queue says it is, too
  vouch = 4,      // and make that look as if millrace had written it
  cut_short = 8,  // at some multiple of 64 bytes
};

std::string file_of(fuzz::input in) {
  const auto mode = in.next<std::uint8_t>();
  if ((mode & bare) != 0) {
    std::string all(in.size(), '\0');
    in.copy_to(all.data(), all.size());
    return all;
  }
  const auto choice = [&](int bit) { return (mode >> bit & 1) != 0; };
  std::string content = fuzz::fresh(millrace::lifetime{choice(4)}, millrace::delivery{choice(5)},
                                    millrace::role{choice(6)}, millrace::role{choice(7)});
  const auto length = in.next<std::uint16_t>();
  if ((mode & identify) != 0) {
    identity id{};
    std::memcpy(&id, content.data(), sizeof id);
    const auto instance = id.instance;
    in.copy_to(&id, offsetof(identity, instance));
    if ((mode & vouch) != 0) {
      id.magic = identity::magic_value;
      id.version = identity::current_version;
      id.fingerprint = layout_fingerprint();
      // Rings of other sizes, and of impossible ones.
      id.slots_log2 = 5 + id.slots_log2 % 5;
      id.block_log2 = 5 + id.block_log2 % 4;
      if (id.file_size % 4 != 0) {
        id.file_size = geometry{id.slots_log2, id.block_log2}.file_size();
        content.resize(id.file_size);
      }
      id.permissions = 0600;
      id.checksum = checksum(id);
    }
    id.instance = instance;
    std::memcpy(content.data(), &id, sizeof id);
  }
  in.copy_to(content.data() + offsetof(header, events), sizeof(header) - offsetof(header, events));
  in.copy_to(content.data() + participants_offset, 4 * sizeof(participant_record));
  for (std::size_t i = 0; i < fuzz::slots && !in.empty(); ++i) {
    in.copy_to(content.data() + slots_offset + i * sizeof(slot<native_atomics>),
               offsetof(slot<native_atomics>, inline_bytes));
  }
  if ((mode & cut_short) != 0) {
    content.resize(std::min<std::size_t>(content.size(), std::size_t{length} * 64));
  }
  return content;
}

void look() {
  const auto directory = fuzz::options().directory;
  survive([&] { (void)millrace::list(directory); });
  survive([&] { (void)millrace::stat("q", directory); });
  survive([&] {
    for (const auto& m : millrace::peek("q", 1000, directory)) {
      fuzz::read(m.bytes);
    }
  });
}

void use() {
  millrace::publisher p("q", fuzz::options());
  millrace::subscriber s("q", fuzz::options());
  std::vector<std::byte> buffer(3 * fuzz::block_size);
  std::vector<millrace::message> kept;
  for (std::size_t i = 0; i < 3 * fuzz::slots; ++i) {
    survive([&] { (void)p.try_enqueue(std::span(buffer).first(i % buffer.size())); });
    survive([&] {
      if (i % 3 == 0) {
        std::size_t size = 0;
        if (s.try_dequeue(buffer, size) == status::ok) {
          fuzz::must(size <= buffer.size());
        }
      } else if (auto m = s.try_dequeue()) {
        fuzz::must(m->bytes().size() <= s.max_message_size());
        fuzz::read(m->bytes());
        if (i % 5 == 0) {
          m->requeue();
        } else if (i % 7 == 0) {
          kept.push_back(std::move(*m));
        }
      }
    });
  }
  survive([&] { (void)p.enqueue_for(buffer, std::chrono::microseconds(200)); });
  survive([&] { (void)s.dequeue_for(std::chrono::microseconds(200)); });
  kept.clear();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::place(file_of({data, size}));
  look();
  survive(use);
  look();
  survive([] { (void)millrace::remove("q", fuzz::options().directory); });
  fuzz::clear();
  return 0;
}
