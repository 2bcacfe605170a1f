// Damaged queues: every bit of the header, every length of the file, and whatever may be written
// over the memory, at rest, between calls or by a hostile process during them. Using such a queue
// ends in answers or in errors by name; never in a crash, a hang or bytes from elsewhere.
#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <millrace/millrace.hpp>

#include "queue/layout.hpp"
#include "support/bytes.hpp"
#include "support/child.hpp"
#include "support/damage.hpp"
#include "support/errors.hpp"
#include "support/scratch.hpp"
#include "support/watchdog.hpp"

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using namespace millrace::detail;
using millrace::delivery;
using millrace::errc;
using millrace::publisher;
using millrace::role;
using millrace::status;
using millrace::subscriber;

namespace {

constexpr std::size_t slots = 64;
constexpr std::size_t block = 64;

/// Does `action`, which may end in any of the library's errors. Which, if so.
template <class Action>
std::optional<errc> survive(Action&& action) {
  return test::error_of(std::forward<Action>(action)).code;
}

millrace::queue_options options_in(const test::scratch& directory) {
  auto options = directory.options();
  options.patience = 0ns;
  options.spin = 0ns;
  return options;
}

/// A fresh queue "q" of the smallest size there is.
millrace::queue_options fresh_in(const test::scratch& directory) {
  auto options = options_in(directory);
  options.capacity = slots * block;
  options.block_size = block;
  return options;
}

/// Whether a message lies inside a queue of `slots` slots. Its blocks are the file's last page, and
/// no slot crosses from page to page.
bool inside(const millrace::message& m) {
  static_assert(slots * block == 4096);
  static_assert((slots_offset + slots * sizeof(slot<native_atomics>)) % 4096 == 0);
  const auto first = reinterpret_cast<std::uintptr_t>(m.bytes().data());
  return m.bytes().empty() || first / 4096 == (first + m.bytes().size() - 1) / 4096;
}

/// Reads all of a message, which must be one that there can be.
void read(const subscriber& s, const millrace::message& m) {
  volatile unsigned sum = 0;
  for (const std::byte b : m.bytes()) {
    sum = sum + static_cast<unsigned>(b);
  }
  test::expect(m.bytes().size() <= s.max_message_size());
  if (s.max_message_size() == slots * block / 2) {
    test::expect(inside(m));
  }
}

/// A little of everything that a publisher does.
void publish(publisher& p, std::size_t count) {
  const auto longest = test::pattern(p.max_message_size());
  const auto first = [&](std::size_t size) { return std::span(longest).first(size); };
  for (std::size_t i = 0; i < count; ++i) {
    switch (i % 8) {
    case 5:
      (void)p.try_enqueue_batch(std::array{first(1), first(i * 9 % 500), first(100)});
      break;
    case 6:
      if (auto room = p.try_reserve(i * 13 % 300)) {
        std::ranges::fill(room->bytes(), std::byte{6});
        if (i % 3 != 0) {
          (void)room->commit(room->bytes().size() / 2);
        }
      }
      break;
    case 7:
      (void)p.enqueue_for(first(i * 17 % longest.size()), i % 4 == 0 ? 50us : 0us);
      break;
    default:
      (void)p.try_enqueue(first(i * 7 % 250));
      break;
    }
  }
}

/// And a subscriber.
void subscribe(subscriber& s, std::size_t count) {
  test::bytes buffer(200);
  std::vector<millrace::message> kept;
  for (std::size_t i = 0; i < count; ++i) {
    if (i % 4 == 1) {
      std::size_t size = 0;
      test::expect(s.try_dequeue(buffer, size) != status::ok || size <= buffer.size());
    } else if (auto m = i % 16 == 3 ? s.dequeue_for(50us) : s.try_dequeue()) {
      read(s, *m);
      if (i % 7 == 0) {
        m->requeue();
      } else if (i % 5 == 0 && kept.size() < 4) {
        kept.push_back(std::move(*m));
      }
    }
  }
}

void look_at(const test::scratch& directory) {
  survive([&] { (void)millrace::list(directory.path()); });
  survive([&] { (void)millrace::stat("q", directory.path()); });
  survive([&] {
    for (const auto& m : millrace::peek("q", 1000, directory.path())) {
      CHECK(m.bytes.size() <= slots * block / 2);
    }
  });
}

/// Opens the queue and does all there is to do with it.
std::optional<errc> use(const test::scratch& directory) {
  return survive([&] {
    publisher p("q", options_in(directory));
    subscriber s("q", options_in(directory));
    survive([&] { publish(p, 40); });
    survive([&] { subscribe(s, 40); });
    survive([&] { publish(p, 120); });
    survive([&] { subscribe(s, 120); });
  });
}

/// A queue with a few messages that nobody uses, as bytes, and a file to put them into.
struct sample {
  sample() {
    publisher p("q", fresh_in(directory));
    for (std::size_t i = 0; i < 10; ++i) {
      REQUIRE(p.try_enqueue(test::pattern(i * 20)) == status::ok);
    }
    path = directory.path() / "q";
    std::ifstream file(path, std::ios::binary);
    whole.assign(std::istreambuf_iterator<char>(file), {});
  }

  void place(std::string_view content) const {
    fs::remove(path);
    std::ofstream(path, std::ios::binary) << content;
  }

  test::scratch directory;
  fs::path path;
  std::string whole;
};

/// Spoils one word, most likely one that matters; for good, or only for a moment.
void spoil(const test::mapped_bytes& memory, std::mt19937_64& random, bool for_a_moment) {
  const auto part = static_cast<unsigned>(random() % test::damaged_parts);
  const auto place = memory.word(test::damaged_place(part, random(), slots, memory.size()));
  const std::uint64_t old = place.load();
  place.store(
      test::damaged_value(static_cast<unsigned>(random() % test::damaged_kinds), random(), old));
  if (for_a_moment) {
    for (auto left = random() % 200; left != 0; --left) {
      native_atomics::pause();
    }
    place.store(old);
  }
}

millrace::queue_options with(millrace::queue_options options, std::uint64_t choice) {
  options.publishers = choice % 2 == 0 ? role::shared : role::exclusive;
  options.subscribers = choice / 2 % 2 == 0 ? role::shared : role::exclusive;
  options.guarantee = choice / 4 % 2 == 0 ? delivery::at_least_once : delivery::at_most_once;
  return options;
}

}  // namespace

TEST_CASE("a bit of the header may be wrong, whichever it is") {
  const sample v;
  for (std::size_t bit = 0; bit < sizeof(header) * 8; ++bit) {
    CAPTURE(bit);
    std::string content = v.whole;
    content[bit / 8] = static_cast<char>(content[bit / 8] ^ (1 << bit % 8));
    v.place(content);
    look_at(v.directory);
    const auto found = use(v.directory);
    if (bit < sizeof(identity) * 8) {
      REQUIRE(found);
      const bool named = *found == errc::not_a_queue || *found == errc::version_mismatch ||
                         *found == errc::layout_mismatch || *found == errc::corrupted;
      CHECK_MESSAGE(named, millrace::to_string(*found));
    } else {
      CHECK(!found);
    }
    survive([&] { (void)millrace::remove("q", v.directory.path()); });
  }
}

TEST_CASE("what the header does not use may be anything") {
  const sample v;
  std::string content = v.whole;
  std::fill(content.begin() + sizeof(header), content.begin() + participants_offset, '\xff');
  v.place(content);
  subscriber s("q", v.directory.options());
  for (std::size_t i = 0; i < 10; ++i) {
    const auto m = s.try_dequeue();
    REQUIRE(m);
    CHECK(test::same(m->bytes(), test::pattern(i * 20)));
  }
}

TEST_CASE("a file that was cut short is refused, wherever it was cut") {
  const sample v;
  const auto options = v.directory.options();
  for (std::size_t size = 0; size < v.whole.size(); size += 64) {
    CAPTURE(size);
    v.place(std::string_view(v.whole).substr(0, size));
    CHECK_ERROR(errc::not_a_queue, publisher("q", options));
    CHECK_ERROR(errc::not_a_queue, subscriber("q", options));
    CHECK_ERROR(errc::not_a_queue, millrace::stat("q", v.directory.path()));
    CHECK_ERROR(errc::not_a_queue, millrace::peek("q", 1, v.directory.path()));
    if (size < sizeof identity::magic) {
      CHECK_ERROR(errc::not_a_queue, millrace::remove("q", v.directory.path()));
    } else {
      CHECK(millrace::remove("q", v.directory.path()));
    }
  }
}

TEST_CASE("a file that is longer than it says is refused") {
  const sample v;
  v.place(v.whole + std::string(4096, '\0'));
  CHECK_ERROR(errc::not_a_queue, publisher("q", v.directory.options()));
  CHECK_ERROR(errc::not_a_queue, millrace::stat("q", v.directory.path()));
}

// What the README says of this is not a promise to end like that, but the reason not to do it.
TEST_CASE(
    "a file that is cut short while it is mapped is SIGBUS to its users, an error to others") {
  const sample v;
  const test::gate open;
  const test::gate cut;
  auto user = test::child::run([&] {
    std::signal(SIGBUS, SIG_DFL);  // instead of a sanitizer's
    subscriber s("q", v.directory.options());
    open.open();
    cut.await();
    (void)s.try_dequeue();
    return 0;
  });
  open.await();
  fs::resize_file(v.path, 4096);
  cut.open();
  CHECK(user.wait() == 1000 + SIGBUS);
  CHECK_ERROR(errc::not_a_queue, publisher("q", v.directory.options()));
  CHECK_ERROR(errc::not_a_queue, millrace::stat("q", v.directory.path()));
  CHECK(millrace::remove("q", v.directory.path()));
}

TEST_CASE("a queue whose memory was written over is survived by its handles and by new ones") {
  constexpr std::uint64_t rounds = 2000;
  for (std::uint64_t round = 0; round < rounds; ++round) {
    CAPTURE(round);
    std::mt19937_64 random(round);
    const test::scratch directory;
    const auto options = with(fresh_in(directory), round);
    publisher p("q", options);
    subscriber s("q", options);
    publish(p, random() % 40);
    subscribe(s, random() % 20);
    auto loan = s.try_dequeue();
    auto other_loan = s.try_dequeue();
    auto room = p.try_reserve(random() % 1000);

    const test::mapped_bytes memory(directory.path() / "q");
    for (auto count = 1 + random() % 12; count != 0; --count) {
      spoil(memory, random, false);
    }

    look_at(directory);
    survive([&] {
      if (room) {
        std::ranges::fill(room->bytes(), std::byte{1});
        (void)room->commit();
      }
    });
    room.reset();
    survive([&] {
      if (loan) {
        read(s, *loan);
        loan->requeue();
      }
    });
    survive([&] { publish(p, 100); });
    survive([&] { subscribe(s, 100); });
    other_loan.reset();
    use(directory);
    survive([&] { publish(p, 30); });
    survive([&] { subscribe(s, 30); });
    look_at(directory);
  }
}

TEST_CASE("what a word and a shape say is a message if all of it is inside the queue") {
  const sample v;
  const test::mapped_bytes memory(v.path);
  const auto one = [&](state kind, std::size_t index, std::uint32_t span, std::uint64_t length,
                       std::uint64_t flags) {
    const std::size_t room = (flags & shape::in_blocks) != 0 ? span * block : 112;
    const bool sound = span >= 1 && span <= slots / 2 && index + span <= slots && length <= room;
    const std::uint32_t lap = static_cast<std::uint32_t>(first_lap) + (kind == state::orphan);
    const auto place = [&] {
      for (std::size_t i = 0; i < slots; ++i) {
        const std::size_t at = slots_offset + i * sizeof(slot<native_atomics>);
        memory.word(at).store(i == index ? word::make(lap, kind, 0, span).bits
                                         : word::free(static_cast<std::uint32_t>(first_lap)).bits);
        memory.word(at + 8).store(i == index ? length | flags : 0);
      }
      memory.word(offsetof(header, where) + 64).store(first_lap * slots + index);
    };
    const auto given = [&](auto take) -> std::optional<std::size_t> {
      place();
      std::optional<std::size_t> size;
      const auto found = survive([&] {
        subscriber s("q", options_in(v.directory));
        size = take(s);
      });
      CHECK(found == (sound ? std::nullopt : std::optional(errc::corrupted)));
      return size;
    };
    const auto expected = sound ? std::optional(std::size_t{length}) : std::nullopt;
    const auto lent = given([](subscriber& s) {
      const auto m = s.try_dequeue();
      test::expect(m.has_value() && inside(*m));
      return m->bytes().size();
    });
    CHECK(lent == expected);
    const auto copied = given([](subscriber& s) {
      test::bytes buffer(slots * block);
      std::size_t size = 0;
      test::expect(s.try_dequeue(buffer, size) == status::ok);
      return size;
    });
    CHECK(copied == expected);
    place();
    const auto peeked = millrace::peek("q", 1000, v.directory.path());
    CHECK(peeked.size() == (sound ? 1 : 0));
    CHECK((peeked.empty() || peeked.front().bytes.size() == length));
  };
  for (const state kind : {state::ready, state::orphan}) {
    for (const std::size_t index : {0, 1, 31, 32, 33, 62, 63}) {
      const auto to_the_end = static_cast<std::uint32_t>(slots - index);
      for (const std::uint32_t span : {0u, 1u, 2u, 32u, 33u, 64u, to_the_end, to_the_end + 1,
                                       static_cast<std::uint32_t>(max_slots) - 1}) {
        for (const std::uint64_t length :
             {std::uint64_t{0}, std::uint64_t{112}, std::uint64_t{113}, span * block,
              span * block + 1, slots * block, shape::length_mask}) {
          for (const std::uint64_t flags : {std::uint64_t{0}, shape::in_blocks}) {
            CAPTURE(static_cast<int>(kind));
            CAPTURE(index);
            CAPTURE(span);
            CAPTURE(length);
            CAPTURE(flags);
            one(kind, index, span, length, flags);
          }
        }
      }
    }
  }
}

TEST_CASE("peek copies about as much as the queue can hold, whatever the words say") {
  const sample v;
  for (const auto kind : {state::ready, state::orphan}) {
    CAPTURE(static_cast<int>(kind));
    v.place(v.whole);
    const test::mapped_bytes memory(v.path);
    for (std::size_t i = 0; i < slots; ++i) {
      const std::size_t at = slots_offset + i * sizeof(slot<native_atomics>);
      const auto span = static_cast<std::uint32_t>(std::min(slots / 2, slots - i));
      memory.word(at).store(word::make(word{memory.word(at).load()}.lap(), kind, 0, span).bits);
      memory.word(at + 8).store(shape::in_blocks | span * block);
    }
    std::size_t total = 0;
    for (const auto& m : millrace::peek("q", 1000, v.directory.path())) {
      total += m.bytes.size();
    }
    CHECK(total >= slots * block / 2);
    CHECK(total <= 3 * slots * block);
  }
}

// Everything below takes a few steps a slot. A few a slot for each slot would take an hour here,
// and the watchdog's patience ends before that.
TEST_CASE("a large ring of one and the same nonsense is walked in no more than a few rounds") {
  test::allow(200);
  constexpr std::size_t many = max_slots;
  const test::scratch directory;
  auto options = options_in(directory);
  options.capacity = many * block;
  options.block_size = block;
  for (unsigned kind = 0; kind < 8; ++kind) {
    for (const std::uint32_t lap : {-1, 0}) {
      for (const std::uint32_t span : {1u, 1u << 16}) {
        CAPTURE(kind);
        CAPTURE(static_cast<int>(lap));
        CAPTURE(span);
        {
          publisher p("q", options);
          subscriber s("q", options);
          const test::mapped_bytes memory(directory.path() / "q");
          const auto first = static_cast<std::uint32_t>(first_lap);
          const auto all = word::make(first + lap, static_cast<state>(kind), 7, span);
          for (std::size_t i = 0; i < many - 10; ++i) {
            memory.word(slots_offset + i * sizeof(slot<native_atomics>)).store(all.bits);
          }
          memory.word(participants_offset + 7 * sizeof(participant_record)).store(1);  // dirty
          survive([&] { publish(p, 16); });
          survive([&] { (void)p.try_enqueue(test::bytes(p.max_message_size())); });
          survive([&] { subscribe(s, 16); });
          survive([&] { (void)millrace::stat("q", directory.path()); });
          survive([&] { (void)millrace::peek("q", 10, directory.path()); });
        }
        millrace::remove("q", directory.path());
      }
    }
  }
}

namespace {

/// Goes on writing over the memory of whatever is "q", most of the time giving back what was there
/// a moment later: what is read twice then differs.
[[noreturn]] void be_hostile(const fs::path& path, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  for (;;) {
    try {
      const test::mapped_bytes memory(path);
      if (memory.size() < slots_offset + slots * (sizeof(slot<native_atomics>) + block)) {
        continue;
      }
      for (int i = 0; i < 500; ++i) {
        spoil(memory, random, random() % 64 != 0);
      }
    } catch (const std::exception&) {  // the queue is being made anew
    }
  }
}

/// Does `work` on a handle `count` times, on a new one whenever it ends in an error.
template <class Handle, class Work>
int go_on(const millrace::queue_options& options, int count, Work work) {
  std::optional<Handle> handle;
  for (int i = 0; i < count; ++i) {
    survive([&] {
      if (!handle || handle->last_status() == status::removed) {
        handle.reset();
        handle.emplace("q", options);
      }
    });
    if (handle && survive([&] { work(*handle); })) {
      survive([&] { handle.reset(); });
    }
  }
  return 0;
}

void attack(std::uint64_t rounds, int count) {
  for (std::uint64_t round = 0; round < rounds; ++round) {
    CAPTURE(round);
    const test::scratch directory;
    const auto options = with(fresh_in(directory), round);
    const fs::path path = directory.path() / "q";
    { const publisher maker("q", options); }
    auto publishing = test::child::run(
        [&] { return go_on<publisher>(options, count, [](publisher& p) { publish(p, 60); }); });
    auto subscribing = test::child::run(
        [&] { return go_on<subscriber>(options, count, [](subscriber& s) { subscribe(s, 60); }); });
    auto hostile = test::child::run([&]() -> int { be_hostile(path, round); });
    // Nobody can wait for a queue to get well by itself: from time to time there is a new one.
    auto looking = test::child::run([&] {
      for (int i = 0; i < count / 4; ++i) {
        look_at(directory);
        if (i % 16 == 15) {
          survive([&] { (void)millrace::remove("q", directory.path()); });
        }
      }
      return 0;
    });
    CHECK(publishing.wait() == 0);
    CHECK(subscribing.wait() == 0);
    CHECK(looking.wait() == 0);
    hostile.kill();
  }
}

}  // namespace

TEST_CASE("a process that writes over the memory during traffic crashes and stops nobody") {
  attack(16, 1500);
}

TEST_CASE("a process that writes over the memory during traffic harms nobody for minutes") {
  test::allow(1500);
  attack(400, 1000);
}
