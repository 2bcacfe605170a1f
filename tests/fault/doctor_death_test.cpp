// The doctor on queues whose participants died, froze or left something behind.
#include <cstdint>
#include <string>

#include <doctest/doctest.h>

#include <millrace/millrace.hpp>

#include "examining.hpp"
#include "support/bytes.hpp"
#include "support/child.hpp"
#include "support/scratch.hpp"
#include "support/victims.hpp"

namespace os = millrace::os;
using millrace::diagnosis;
using millrace::fault;
using millrace::holding;
using millrace::publisher;
using millrace::role;
using millrace::status;
using millrace::subscriber;
using millrace::detail::position;
using millrace::detail::state;
using millrace::detail::word;
using test::begin_to_read;
using test::begin_to_write;
using test::examine;
using test::finds;
using test::found_in;
using test::memory_of;
using test::repair;
using test::someone_who;

namespace {

position first_taken(const test::scratch& directory) {
  const auto memory = memory_of(directory);
  position p = 0;
  while (!memory->ring().load(p).is(state::taken)) {
    ++p;
  }
  return p;
}

}  // namespace

TEST_CASE("a publisher killed in the middle of a message is found, and repaired") {
  test::scratch directory;
  const auto options = directory.options(64 * 64, 64);
  auto victim = someone_who([&] { return begin_to_write(options, 150); });
  const auto pid = victim.pid();
  victim.kill();
  const auto d = examine(directory);
  CHECK_FALSE(d.healthy());
  REQUIRE(d.findings.size() == 1);
  CHECK(d.findings[0].what == fault::participant_dead);
  CHECK(d.findings[0].where == "publisher pid " + std::to_string(pid) + " (place 0)");
  CHECK_MESSAGE(d.findings[0].found.find("1 being written") != std::string::npos, found_in(d));
  CHECK_MESSAGE(d.findings[0].found.find("in 3 slots") != std::string::npos, found_in(d));
  REQUIRE(d.holdings.size() == 1);
  CHECK(d.holdings[0].who == holding::condition::dead);
  CHECK(d.holdings[0].what == holding::purpose::writing);
  CHECK(d.holdings[0].slots == 3);

  const auto t = repair(directory);
  CHECK(t.done.size() == 1);
  CHECK_MESSAGE(t.after.findings.empty(), found_in(t.after));
  CHECK(t.after.padding == 3);
  const auto info = millrace::stat("q", directory.path());
  CHECK(info.recoveries == 1);
  CHECK(info.abandoned == 1);
  CHECK(info.participants.empty());
  CHECK(repair(directory).done.empty());
}

TEST_CASE("what a killed subscriber had in its hands is found, and delivered again after repair") {
  for (const role subscribers : {role::shared, role::exclusive}) {
    CAPTURE(static_cast<int>(subscribers));
    test::scratch directory;
    auto options = directory.options(64 * 64, 64);
    options.subscribers = subscribers;
    publisher p("q", options);
    for (std::uint32_t i = 0; i < 3; ++i) {
      REQUIRE(p.try_enqueue(test::numbered(i, 100)) == status::ok);
    }
    auto victim = someone_who([&] { return begin_to_read(options, 3); });
    victim.kill();
    const auto d = examine(directory);
    REQUIRE(d.findings.size() == 1);
    CHECK(d.findings[0].what == fault::participant_dead);
    CHECK(d.orphans == 0);
    const auto t = repair(directory);
    CHECK_MESSAGE(t.after.findings.empty(), found_in(t.after));
    // The last one of an exclusive subscriber was read in place, and waits where it is.
    CHECK(t.after.orphans == (subscribers == role::shared ? 3 : 2));
    subscriber s("q", options);
    for (int i = 0; i < 3; ++i) {
      const auto m = s.try_dequeue();
      REQUIRE(m);
      CHECK(m->redelivered());
    }
  }
}

TEST_CASE("who sleeps gets what a dead one had, once it is repaired") {
  test::scratch directory;
  const auto options = directory.options(64 * 64, 64);
  publisher p("q", options);
  REQUIRE(p.try_enqueue("inherited") == status::ok);
  auto victim = someone_who([&] { return begin_to_read(options, 1); });
  auto heir = test::someone_asleep(options, 3, [&] {
    subscriber s("q", options);
    const auto m = s.dequeue();
    test::expect(m.has_value() && m->redelivered());
    return 0;
  });
  victim.kill();
  (void)repair(directory);
  CHECK(heir.wait() == 0);
}

TEST_CASE("what a killed recoverer left half done is found, and repaired") {
  test::scratch directory;
  const auto options = directory.options(64 * 64, 64);
  publisher p("q", options);
  for (std::uint32_t i = 0; i < 3; ++i) {
    REQUIRE(p.try_enqueue(test::numbered(i)) == status::ok);
  }
  auto victim = someone_who([&] { return begin_to_read(options, 3); });
  victim.kill();
  {
    // Its first step, as it stays after a kill.
    const auto ring = memory_of(directory)->ring();
    const position first = first_taken(directory);
    ring.store(first, ring.load(first).with(state::orphan));
  }
  const auto d = examine(directory);
  REQUIRE(d.findings.size() == 1);
  CHECK(d.findings[0].what == fault::participant_dead);
  CHECK(d.orphans == 1);
  CHECK(d.holdings.size() == 2);
  const auto t = repair(directory);
  CHECK_MESSAGE(t.after.findings.empty(), found_in(t.after));
  CHECK(t.after.orphans == 3);
}

TEST_CASE("who died is left alone while somebody else cleans up after it") {
  test::scratch directory;
  const auto options = directory.options(64 * 64, 64);
  publisher p("q", options);
  auto victim = someone_who([&] { return begin_to_write(options, 10); });
  victim.kill();
  const auto recoverer = os::lease_file::open(directory.path() / "q", memory_of(directory)->file());
  REQUIRE(recoverer->try_lock(1));
  CHECK(examine(directory).findings.empty());
  CHECK(repair(directory).done.empty());
  CHECK(millrace::stat("q", directory.path()).in_progress == 1);
  recoverer->unlock(1);
  CHECK(repair(directory).done.size() == 1);
}

TEST_CASE("a frozen holder is named, is no fault, and keeps what it has") {
  test::scratch directory;
  const auto options = directory.options(64 * 64, 64);
  publisher p("q", options);
  REQUIRE(p.try_enqueue("its own") == status::ok);
  const test::gate taken;
  const test::gate go_on;
  auto frozen = test::child::run([&] {
    subscriber s("q", options);
    const auto m = s.dequeue();
    taken.open();
    go_on.await();
    test::expect(m->text() == "its own");
    return 0;
  });
  taken.await();
  frozen.freeze();
  const auto check = [&](const diagnosis& d) {
    CHECK(d.healthy());
    REQUIRE_MESSAGE(d.findings.size() == 1, found_in(d));
    CHECK(d.findings[0].what == fault::participant_stopped);
    CHECK(d.findings[0].found.find("1 being read") != std::string::npos);
    REQUIRE(d.holdings.size() == 1);
    CHECK(d.holdings[0].who == holding::condition::stopped);
    CHECK(d.holdings[0].pid == static_cast<std::uint32_t>(frozen.pid()));
  };
  check(examine(directory));
  const auto t = repair(directory);
  CHECK(t.done.empty());
  check(t.after);
  frozen.thaw();
  go_on.open();
  CHECK(frozen.wait() == 0);
  CHECK(millrace::stat("q", directory.path()).finished == 1);
  CHECK(examine(directory).findings.empty());
}

TEST_CASE("a record of a place that nobody has is recovered") {
  test::scratch directory;
  publisher p("q", directory.options(64 * 64, 64));
  subscriber s("q", directory.options());
  REQUIRE(p.try_enqueue(test::bytes(300)) == status::ok);
  const auto loan = s.try_dequeue();
  const position at = first_taken(directory);
  const auto ring = memory_of(directory)->ring();
  const word seen = ring.load(at);
  ring.store(at, word::make(seen.lap(), state::taken, 300, seen.span()));
  CHECK(finds(examine(directory), fault::left_behind));
  const auto t = repair(directory);
  CHECK(t.done.size() == 1);
  CHECK_MESSAGE(t.after.findings.empty(), found_in(t.after));
  CHECK(ring.load(at).is(state::orphan));
}

TEST_CASE("a queue whose remover was killed is removed, with its semaphores") {
  const std::size_t semaphores = test::named_semaphores();
  test::scratch directory;
  { const publisher p("q", directory.options(64 * 64, 64)); }
  memory_of(directory)->head().events.fetch_or(millrace::detail::header::removed);
  CHECK(finds(examine(directory), fault::half_removed));
  const auto t = repair(directory);
  CHECK(t.done.size() == 1);
  CHECK(t.after.healthy());
  CHECK(directory.entries().empty());
  CHECK(test::named_semaphores() == semaphores);
}

TEST_CASE("a transient queue whose last participant was killed is removed") {
  test::scratch directory;
  auto options = directory.options(64 * 64, 64);
  options.life = millrace::lifetime::transient;
  auto last = someone_who([&] { return begin_to_write(options, 10); });
  CHECK(examine(directory).findings.empty());
  CHECK(repair(directory).done.empty());
  last.kill();
  CHECK(finds(examine(directory), fault::deserted));
  CHECK(repair(directory).after.healthy());
  CHECK(directory.entries().empty());
}

TEST_CASE("impossible announcements are taken back, and nobody sleeps through a message for that") {
  test::scratch directory;
  const auto options = directory.options(64 * 64, 64);
  publisher p("q", options);
  auto sleeper = test::child::run([&] {
    subscriber s("q", options);
    return s.dequeue() ? 0 : 1;
  });
  const auto memory = memory_of(directory);
  auto& bell = memory->head().not_empty;
  test::eventually([&] { return bell.anybody(); });
  CHECK(examine(directory).findings.empty());
  bell.sleepers.fetch_add(5000);
  CHECK(finds(examine(directory), fault::announcement_stale));
  CHECK(repair(directory).after.findings.empty());
  CHECK(bell.sleepers.load() <= 2);
  REQUIRE(p.try_enqueue("wake up") == status::ok);
  CHECK(sleeper.wait() == 0);
}
