// What the dead leave beside messages: a place in the table of participants, an announcement among
// the sleepers. Whoever cleans up after them makes both good.
#include <functional>

#include <doctest/doctest.h>

#include <millrace/millrace.hpp>

#include "examining.hpp"
#include "queue/recovery.hpp"
#include "support/child.hpp"
#include "support/printing.hpp"
#include "support/scratch.hpp"
#include "support/victims.hpp"

using millrace::publisher;
using millrace::status;
using millrace::subscriber;
using test::someone_who;

TEST_CASE("the place of one who died is free for others once somebody cleaned up after it") {
  test::scratch directory;
  const auto options = directory.options(64 * 64, 64);
  const auto info = [&] { return millrace::stat("q", directory.path()); };
  publisher p("q", options);
  subscriber s("q", options);  // before there is a victim: it meets it later, in passing
  auto victim = someone_who([&] { return test::begin_to_write(options, 1); });
  const auto place = info().participants.at(2).id;
  victim.kill();
  REQUIRE(p.try_enqueue("behind the victim's") == status::ok);
  REQUIRE(s.dequeue());
  REQUIRE(info().recoveries == 1);
  const publisher heir("q", options);  // in the first place that nobody has
  const auto now = info().participants;
  REQUIRE(now.size() == 3);
  CHECK(now[2].id == place);
}

TEST_CASE("who died asleep is counted among the sleepers no longer") {
  test::scratch directory;
  const auto options = directory.options(64 * 64, 64);
  publisher p("q", options);
  const auto memory = test::memory_of(directory);
  const auto leases = millrace::os::lease_file::open(memory->path(), memory->file());
  // Cleaned up after by hand: handles wake somebody then, which would hide an announcement too many
  // by making it a permit too many.
  const auto check = [&](const std::function<int()>& fall_asleep) {
    auto victim = test::child::run(fall_asleep);
    const auto& head = memory->head();
    test::eventually([&] { return head.not_empty.anybody() || head.not_full.anybody(); });
    victim.kill();
    CHECK(recover_all(*memory, *leases, millrace::detail::table_size));
    CHECK_FALSE(head.not_empty.anybody());
    CHECK_FALSE(head.not_full.anybody());
  };
  check([&] { return subscriber("q", options).dequeue() ? 1 : 0; });
  while (p.try_enqueue("full") == status::ok) {
  }
  check([&] { return publisher("q", options).enqueue("more") == status::ok ? 1 : 0; });
}
