// The doctor: finds what is wrong, and nothing where nothing is.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <millrace/millrace.hpp>

#include "examining.hpp"
#include "queue/invariants.hpp"
#include "queue/snapshot.hpp"
#include "support/bytes.hpp"
#include "support/errors.hpp"
#include "support/scratch.hpp"

namespace fs = std::filesystem;
using millrace::diagnosis;
using millrace::errc;
using millrace::fault;
using millrace::finding;
using millrace::holding;
using millrace::publisher;
using millrace::role;
using millrace::status;
using millrace::subscriber;
using millrace::detail::position;
using millrace::detail::segment;
using millrace::detail::shape;
using millrace::detail::state;
using millrace::detail::word;
using namespace std::chrono_literals;
using test::examine;
using test::found_in;
using test::memory_of;
using test::repair;

namespace {

/// A queue of 64 slots of 64 bytes with something of everything in it, its publishers in the middle
/// of their second lap: free slots, padding, messages of one slot and of several, a batch, one that
/// came back; and, as long as this lives, messages being written and read.
struct busy_ward {
  explicit busy_ward(role publishers = role::shared, role subscribers = role::shared) {
    auto options = directory.options(64 * 64, 64);
    options.publishers = publishers;
    options.subscribers = subscribers;
    p.emplace("q", options);
    s.emplace("q", options);
    for (int i = 0; i < 61; ++i) {
      REQUIRE(p->try_enqueue("x") == status::ok);
      REQUIRE(s->try_dequeue());
    }
    REQUIRE(p->try_enqueue("to be read") == status::ok);
    REQUIRE(p->try_enqueue(test::pattern(300)) == status::ok);  // leaves padding before it
    const auto one = test::pattern(10);
    const auto two = test::pattern(128);
    const std::span<const std::byte> batch[] = {one, two, one};
    REQUIRE(p->try_enqueue_batch(batch) == status::ok);
    REQUIRE(p->try_enqueue("came back") == status::ok);
    loans.push_back(*s->try_dequeue());
    loans.push_back(*s->try_dequeue());
    auto back = s->try_dequeue();
    REQUIRE(back);
    back->requeue();
    room = p->try_reserve(150);
    REQUIRE(room);
  }

  test::scratch directory;
  std::optional<publisher> p;
  std::optional<subscriber> s;
  std::vector<millrace::message> loans;
  std::optional<millrace::reservation> room;
};

}  // namespace

// ---- what is in order

TEST_CASE("the doctor finds nothing in a healthy queue, and says who holds what") {
  for (const role publishers : {role::shared, role::exclusive}) {
    for (const role subscribers : {role::shared, role::exclusive}) {
      CAPTURE(static_cast<int>(publishers));
      CAPTURE(static_cast<int>(subscribers));
      busy_ward w(publishers, subscribers);
      const auto d = examine(w.directory);
      CHECK_MESSAGE(d.findings.empty(), found_in(d));
      CHECK(d.healthy());
      CHECK(d.orphans == 1);
      REQUIRE(d.queue);
      CHECK(d.queue->participants.size() == 2);
      const auto reading =
          std::ranges::count(d.holdings, holding::purpose::reading, &holding::what);
      const auto writing =
          std::ranges::count(d.holdings, holding::purpose::writing, &holding::what);
      CHECK(reading == 2);
      CHECK(writing == (publishers == role::shared ? 1 : 0));  // the exclusive one leaves no trace
      for (const holding& each : d.holdings) {
        CHECK(each.pid == static_cast<std::uint32_t>(::getpid()));
        CHECK(each.publishes == (each.what == holding::purpose::writing));
        CHECK(each.who == holding::condition::alive);
      }
      CHECK(d.watched > 0ns);
    }
  }
}

TEST_CASE("the doctor finds nothing in a queue that was just made, or used and left") {
  test::scratch directory;
  { const publisher p("q", directory.options(64 * 64, 64)); }
  CHECK(examine(directory).findings.empty());
  for (int i = 0; i < 300; ++i) {
    publisher p("q", directory.options());
    subscriber s("q", directory.options());
    REQUIRE(p.try_enqueue(test::bytes(static_cast<std::size_t>(i))) == status::ok);
    REQUIRE(s.try_dequeue());
    if (i % 10 == 0) {
      const auto d = examine(directory);
      CHECK_MESSAGE(d.findings.empty(), found_in(d));
    }
  }
}

TEST_CASE("examining a queue changes no byte of it and takes no place in it") {
  const busy_ward w;
  const auto content = [&] {
    std::ifstream file(w.directory.path() / "q", std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  const std::string before = content();
  (void)examine(w.directory);
  CHECK(content() == before);
}

TEST_CASE("what is not there, or no queue, is an error as for stat") {
  test::scratch directory;
  CHECK_ERROR(errc::not_found, examine(directory));
  CHECK_ERROR(errc::not_found, repair(directory));
  CHECK_ERROR(errc::invalid_name, millrace::examine("a/b", directory.path()));
  std::ofstream(directory.path() / "q") << "something else that somebody keeps here, long enough "
                                           "to be a header, if it were one at all";
  CHECK_ERROR(errc::not_a_queue, examine(directory));
}

// ---- what is damaged

TEST_CASE("each kind of damage is found, where it is") {
  struct damage {
    const char* name;
    fault expected;
    std::function<std::size_t(segment&)> inflict;  // returns where
  };
  // The first slot whose word is in this state, after `from`.
  const auto find = [](segment& q, state s, std::size_t span = 1, std::size_t from = 0) {
    while (!q.ring().load(from).is(s) || (s != state::free && q.ring().load(from).span() != span)) {
      ++from;
    }
    return from;
  };
  const auto change = [](segment& q, std::size_t slot, auto how) {
    q.ring().store(slot, how(q.ring().load(slot)));
    return slot;
  };
  const auto reshape = [](segment& q, std::size_t slot, std::uint64_t bits) {
    q.ring().at(slot).shape.store(bits);
    return slot;
  };
  const auto with_span = [](word w, std::uint32_t span) {
    return word::make(w.lap(), w.state(), w.owner(), span);
  };
  const auto with_owner = [](word w, std::uint32_t owner) {
    return word::make(w.lap(), w.state(), owner, w.span());
  };
  const auto with_lap = [](word w, int by) {
    return word{w.bits + (static_cast<std::uint64_t>(static_cast<std::int64_t>(by)) << 32)};
  };
  // The position of the slot after this message's first.
  const auto after = [](segment& q, std::size_t slot) {
    const position hint = q.head().where.publish.load();
    const auto laps = millrace::detail::laps_between(q.ring().load(slot).lap(), q.ring().lap(hint));
    return hint - q.ring().index(hint) + static_cast<position>(laps) * q.ring().size() + slot + 1;
  };
  constexpr std::size_t in_the_middle = 40;  // of what is free
  const std::vector<damage> all{
      {"a free word with an owner", fault::word_damaged,
       [&](segment& q) {
         return change(q, in_the_middle, [](word w) { return word{w.bits | 1U << 5}; });
       }},
      {"a free word with a span", fault::word_damaged,
       [&](segment& q) {
         return change(q, in_the_middle, [](word w) { return word{w.bits | 1U << 20}; });
       }},
      {"no span", fault::word_damaged,
       [&](segment& q) {
         return change(q, find(q, state::ready), [&](word w) { return with_span(w, 0); });
       }},
      {"a span of more than any claim", fault::word_damaged,
       [&](segment& q) {
         return change(q, find(q, state::ready), [&](word w) { return with_span(w, 33); });
       }},
      {"a span past the end of the ring", fault::word_damaged,
       [&](segment& q) {
         return change(q, 63, [&](word w) { return word::make(w.lap(), state::pad, 0, 2); });
       }},
      {"a free word behind its lap", fault::lap_damaged,
       [&](segment& q) {
         return change(q, in_the_middle, [&](word w) { return with_lap(w, -1); });
       }},
      {"a free word ahead of its lap", fault::lap_damaged,
       [&](segment& q) {
         return change(q, in_the_middle, [&](word w) { return with_lap(w, 1); });
       }},
      {"a free word far from its lap", fault::lap_damaged,
       [&](segment& q) {
         return change(q, in_the_middle, [&](word w) { return with_lap(w, 99); });
       }},
      {"a message of another lap", fault::lap_damaged,
       [&](segment& q) {
         return change(q, find(q, state::ready), [&](word w) { return with_lap(w, -1); });
       }},
      {"a message that came back, of another lap", fault::lap_damaged,
       [&](segment& q) {
         return change(q, find(q, state::orphan), [&](word w) { return with_lap(w, 1); });
       }},
      {"an inner word of another lap", fault::record_overrun,
       [&](segment& q) {
         const auto head = find(q, state::taken, 5);
         change(q, head + 2, [&](word w) { return with_lap(w, 1); });
         return head;
       }},
      {"an inner word that is not free", fault::record_overrun,
       [&](segment& q) {
         const auto head = find(q, state::taken, 5);
         change(q, head + 2, [&](word w) { return word::make(w.lap(), state::ready, 0, 1); });
         return head;
       }},
      {"a span that covers other records", fault::record_overrun,
       [&](segment& q) {
         return change(q, find(q, state::taken, 5), [&](word w) { return with_span(w, 8); });
       }},
      {"a claim of an inner message beyond its batch", fault::record_overrun,
       [&](segment& q) {
         const auto head = find(q, state::claimed, 3);
         change(q, head + 2, [&](word w) { return word::make(w.lap(), state::ready, 0, 2); });
         return head;
       }},
      {"an owner beyond the table", fault::owner_damaged,
       [&](segment& q) {
         return change(q, find(q, state::claimed, 3), [&](word w) { return with_owner(w, 600); });
       }},
      {"a reader that is a publisher", fault::owner_damaged,
       [&](segment& q) {
         const auto writer = q.ring().load(find(q, state::claimed, 3)).owner();
         return change(q, find(q, state::taken, 5), [&](word w) { return with_owner(w, writer); });
       }},
      {"a writer that is a subscriber", fault::owner_damaged,
       [&](segment& q) {
         const auto reader = q.ring().load(find(q, state::taken, 5)).owner();
         return change(q, find(q, state::claimed, 3),
                       [&](word w) { return with_owner(w, reader); });
       }},
      {"an owner that nobody is", fault::left_behind,
       [&](segment& q) {
         return change(q, find(q, state::taken, 5), [&](word w) { return with_owner(w, 300); });
       }},
      {"a length beyond its slots", fault::shape_damaged,
       [&](segment& q) { return reshape(q, find(q, state::taken, 5), shape::in_blocks | 321); }},
      {"a length beyond what lies inside a slot", fault::shape_damaged,
       [&](segment& q) { return reshape(q, find(q, state::ready), 113); }},
      {"a long message inside its slot", fault::shape_damaged,
       [&](segment& q) { return reshape(q, find(q, state::taken, 5), 10); }},
      {"a flag that does not exist", fault::shape_damaged,
       [&](segment& q) { return reshape(q, find(q, state::ready), 10 | std::uint64_t{1} << 55); }},
      {"an exclusive subscriber's mark in a shared queue", fault::shape_damaged,
       [&](segment& q) { return reshape(q, find(q, state::ready), 10 | shape::handed_out); }},
      {"a hint past the publishers", fault::hint_damaged,
       [&](segment& q) {
         q.head().where.publish.fetch_add(64);
         return q.head().where.publish.load() % 64;
       }},
      {"a hint for subscribers past the publishers", fault::hint_damaged,
       [&](segment& q) {
         q.head().where.subscribe.fetch_add(640);
         return q.head().where.subscribe.load() % 64;
       }},
      {"a hint past a message", fault::hint_damaged,
       [&](segment& q) {
         const std::size_t slot = find(q, state::ready) + 1;
         q.head().where.subscribe.store(after(q, slot - 1));
         return slot;
       }},
      {"a hint into a record", fault::hint_damaged,
       [&](segment& q) {
         const std::size_t slot = find(q, state::ready, 2) + 1;
         q.head().where.publish.store(after(q, slot - 1));
         return slot;
       }},
      {"a record that takes part twice", fault::participant_damaged,
       [](segment& q) {
         q.participant(200).dirty.store(2);
         return std::size_t{200};
       }},
      {"a participant of no side", fault::participant_damaged,
       [](segment& q) {
         q.participant(200).publishes.store(7);
         return std::size_t{200};
       }},
      {"a count that went back", fault::participant_damaged,
       [](segment& q) {
         q.participant(1).messages_before.store(1U << 30);
         return std::size_t{1};
       }},
      {"a participant that nobody is", fault::participant_dead,
       [](segment& q) {
         q.participant(200).dirty.store(1);
         return std::size_t{200};
       }},
      {"sleepers that there are not", fault::announcement_stale,
       [](segment& q) {
         q.head().not_full.sleepers.store(5000);
         return std::size_t{1};
       }},
      {"semaphores that are gone", fault::semaphore_missing,
       [](segment& q) {
         q.remove_semaphores();
         return std::size_t{0};
       }},
  };
  for (const damage& each : all) {
    INFO("damage: ", std::string(each.name));
    busy_ward w;
    const auto memory = memory_of(w.directory);
    const std::size_t at = each.inflict(*memory);
    const auto d = examine(w.directory);
    INFO("found: ", found_in(d));
    CHECK_FALSE(d.healthy());
    REQUIRE_FALSE(d.findings.empty());
    for (const finding& f : d.findings) {
      CHECK(f.what == each.expected);
      CHECK(f.at == at);
      CHECK_FALSE(f.found.empty());
    }
    CHECK(d.findings.size() == (each.expected == fault::semaphore_missing ? 2 : 1));
  }
}

TEST_CASE("no bit of a word flips unseen unless the word means the same or something as good") {
  busy_ward w;
  const auto memory = memory_of(w.directory);
  const auto ring = memory->ring();
  const auto leases = millrace::detail::leases_of(*memory);
  const auto suspicious = [&] {
    return !suspect_words(*memory, millrace::detail::read(*memory, leases.get())).empty();
  };
  REQUIRE_FALSE(suspicious());
  const auto as_good = [](word whole, word flipped, unsigned bit) {
    const bool recorded = !whole.is(state::free);
    const bool in_state = bit < 3;
    const bool in_owner = !in_state && bit < 3 + word::owner_bits;
    const bool in_span = !in_state && !in_owner && bit < word::lap_shift;
    return recorded && ((in_owner && !whole.owned()) ||
                        (in_state && !flipped.is(state::free)) ||  // held or done otherwise
                        (in_span && whole.is(state::claimed)));    // into what is free behind it
  };
  int unseen = 0;
  for (position p = 0; p < ring.size(); ++p) {
    const word whole = ring.load(p);
    for (unsigned bit = 0; bit < 64; ++bit) {
      CAPTURE(p);
      CAPTURE(bit);
      const word flipped{whole.bits ^ std::uint64_t{1} << bit};
      ring.store(p, flipped);
      const bool seen = suspicious();
      unseen += seen ? 0 : 1;
      CHECK((seen || as_good(whole, flipped, bit)));
    }
    ring.store(p, whole);
  }
  CHECK(unseen < 64);  // of 4096
}

TEST_CASE("a file that was cut off, or says impossible things of itself, is found to") {
  test::scratch directory;
  { const publisher p("q", directory.options(64 * 64, 64)); }
  const fs::path path = directory.path() / "q";
  const auto size = fs::file_size(path);
  std::ifstream file(path, std::ios::binary);
  const std::string whole(std::istreambuf_iterator<char>(file), {});
  const auto check = [&] {
    const auto d = examine(directory);
    CHECK_FALSE(d.healthy());
    CHECK_FALSE(d.queue);
    REQUIRE(d.findings.size() == 1);
    CHECK(d.findings[0].what == fault::file_damaged);
    CHECK_FALSE(repair(directory).after.healthy());  // nor does it repair it
  };
  for (const std::uintmax_t left : {std::uintmax_t{8}, std::uintmax_t{71}, std::uintmax_t{72},
                                    std::uintmax_t{4096}, size / 2, size - 1, size + 1}) {
    CAPTURE(left);
    fs::resize_file(path, left);
    check();
    fs::resize_file(path, size);
    std::ofstream(path, std::ios::binary | std::ios::in) << whole;
  }
  for (std::size_t at = 8; at < sizeof(millrace::detail::identity); ++at) {
    CAPTURE(at);
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 4);
    std::ofstream(path, std::ios::binary | std::ios::in) << damaged;
    check();
  }
  std::ofstream(path, std::ios::binary | std::ios::in) << whole;
  CHECK(examine(directory).healthy());
}

TEST_CASE("whatever is written over a queue's memory, the doctor comes to an end") {
  std::mt19937_64 random(7);
  for (int round = 0; round < 8; ++round) {
    CAPTURE(round);
    test::scratch directory;
    { const publisher p("q", directory.options(64 * 64, 64)); }
    const auto memory = memory_of(directory);
    for (auto count = random() % 60; count > 0; --count) {
      memory->ring().at(random() % 64).word.store(random() >> random() % 64);
      memory->ring().at(random() % 64).shape.store(random() >> random() % 64);
      memory->participant(static_cast<std::uint32_t>(random() % 512))
          .dirty.store(static_cast<std::uint32_t>(random() % 3));
      memory->head().where.publish.store(random());
      memory->head().not_empty.sleepers.store(static_cast<std::uint32_t>(random()));
    }
    (void)examine(directory);
    CHECK(repair(directory).after.findings.size() <= 16 * 16);
  }
}
