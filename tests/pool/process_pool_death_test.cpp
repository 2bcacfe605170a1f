// Process pools whose workers die, freeze or go mad.
#include <string>
#include <vector>

#include <millrace/queue/inspect.hpp>

#include "pool/pools.hpp"
#include "support/bytes.hpp"
#include "support/damage.hpp"

using namespace std::chrono_literals;
using millrace::pending_reply;
using millrace::process_pool;
using millrace::reply_outcome;
using millrace::status;
using test::ask;

TEST_CASE("process pool: a worker killed while idle has a successor, which gets its keys") {
  const test::scratch directory;
  process_pool pool(test::pool_options(directory, 2));
  const pid_t other = test::process_of(pool, 0);
  const pid_t first = test::process_of(pool, 1);
  test::kill_and_await(first);
  const pid_t second = test::process_of(pool, 1);
  CHECK(second != first);
  CHECK(test::process_of(pool, 3) == second);
  CHECK(test::process_of(pool, 0) == other);
  CHECK(pool.worker(1).deaths == 1);
  CHECK(pool.worker(0).deaths == 0);
}

TEST_CASE(
    "process pool: what a dying worker had in its hands is its successor's, marked, and first") {
  const test::scratch directory;
  process_pool pool(test::pool_options(directory));
  pending_reply before;
  pending_reply fatal;
  pending_reply after;
  REQUIRE(pool.send(1, "before", before) == status::ok);
  REQUIRE(pool.send(1, "die_once", fatal) == status::ok);
  REQUIRE(pool.send(1, "count", after) == status::ok);
  const auto said = test::wait_for(fatal);
  CHECK(said.outcome == reply_outcome::answered);
  CHECK(said.text == "alive");
  CHECK(said.redelivered);
  CHECK_FALSE(test::wait_for(before).redelivered);
  const auto next = test::wait_for(after);
  CHECK(next.text == "1");
  CHECK_FALSE(next.redelivered);
  CHECK(pool.worker(0).deaths == 1);
}

TEST_CASE("process pool: or it is reported, if that is wanted, and not processed again") {
  const test::scratch directory;
  auto options = test::pool_options(directory);
  options.on_death = millrace::after_death::report;
  process_pool pool(options);
  pending_reply fatal;
  pending_reply after;
  REQUIRE(pool.send(1, "die_once", fatal) == status::ok);
  REQUIRE(pool.send(1, "after", after) == status::ok);
  CHECK(test::wait_for(fatal).outcome == reply_outcome::died);
  CHECK(test::wait_for(after).text == "after");
}

TEST_CASE("process pool: a worker that dies after its reply has replied once") {
  for (const auto policy : {millrace::after_death::redeliver, millrace::after_death::report}) {
    const test::scratch directory;
    auto options = test::pool_options(directory);
    options.on_death = policy;
    options.restart.limit = 2;
    process_pool pool(options);
    pending_reply last;
    REQUIRE(pool.send(1, "reply_and_die", last) == status::ok);
    CHECK(test::wait_for(last).text == "last words");
    // Given to its successors, it kills them too; each reply but the first finds nobody.
    test::eventually([&] { return pool.worker(0).deaths >= 1; });
    CHECK(last.outcome() == reply_outcome::answered);
    CHECK(last.text() == "last words");
    if (policy == millrace::after_death::report) {
      CHECK(ask(pool, 1, "after").text == "after");
      CHECK(pool.worker(0).deaths == 1);
      CHECK(last.outcome() == reply_outcome::answered);
    }
  }
}

TEST_CASE("process pool: replies that find nobody hide none behind them") {
  const test::scratch directory;
  process_pool pool(test::pool_options(directory));
  pending_reply twice;
  pending_reply behind;
  REQUIRE(pool.send(1, "reply_and_die_once", twice) == status::ok);
  REQUIRE(pool.send(1, "reply_and_freeze", behind) == status::ok);
  test::eventually([&] {
    const std::uint32_t worker = pool.worker(0).process;
    return pool.worker(0).deaths == 1 && worker != 0 &&
           test::process_state(static_cast<pid_t>(worker)) == 'T';
  });
  pool.kill();
  CHECK(test::wait_for(twice).text == "last words");
  CHECK(test::wait_for(behind).text == "cold");
}

TEST_CASE("process pool: a request that kills every worker is reported, with all behind it") {
  const test::scratch directory;
  auto options = test::pool_options(directory, 2);
  options.restart.limit = 3;
  process_pool pool(options);
  CHECK(ask(pool, 1, "fine").text == "fine");
  pending_reply fatal;
  pending_reply behind;
  REQUIRE(pool.send(1, "die", fatal) == status::ok);
  REQUIRE(pool.send(3, "behind", behind) == status::ok);
  CHECK(test::wait_for(fatal).outcome == reply_outcome::died);
  CHECK(test::wait_for(behind).outcome == reply_outcome::died);
  CHECK(pool.worker(1).deaths == 4);  // the first one and three restarted ones
  CHECK(pool.worker(1).given_up);
  pending_reply late;
  CHECK(pool.send(1, "late", late) == status::closed);
  CHECK(ask(pool, 0, "other").text == "other");
  CHECK(pool.drain() == status::ok);
}

TEST_CASE("process pool: deaths between answers are not in a row") {
  const test::scratch directory;
  auto options = test::pool_options(directory);
  options.restart.limit = 1;
  process_pool pool(options);
  for (int i = 0; i < 4; ++i) {
    CHECK(ask(pool, 1, "die_once").text == "alive");
  }
  CHECK_FALSE(pool.worker(0).given_up);
}

TEST_CASE("process pool: restarts in a row wait, longer each time") {
  const test::scratch directory;
  auto options = test::pool_options(directory);
  options.arguments = {"dies"};
  options.restart = {.limit = 4, .first_pause = 10ms, .longest_pause = 40ms};
  const auto begin = std::chrono::steady_clock::now();
  process_pool pool(options);
  pending_reply never;
  REQUIRE(pool.send(1, "never", never) == status::ok);
  CHECK(test::wait_for(never).outcome == reply_outcome::died);
  CHECK(std::chrono::steady_clock::now() - begin >= 10ms + 20ms + 40ms + 40ms);
  CHECK(pool.worker(0).deaths == 5);
}

TEST_CASE("process pool: a worker behind another program is known by its lease") {
  const test::scratch directory;
  auto options = test::pool_options(directory);
  options.arguments = {"behind"};
  process_pool pool(options);
  const pid_t worker = test::process_of(pool, 1);
  const auto started = static_cast<pid_t>(pool.worker(0).process);
  CHECK(worker != started);
  test::kill_and_await(started);
  std::this_thread::sleep_for(50ms);
  CHECK(test::process_of(pool, 1) == worker);
  CHECK(pool.worker(0).deaths == 0);
  test::kill_and_await(worker);
  CHECK(test::process_of(pool, 1) != worker);
  CHECK(pool.worker(0).deaths == 1);
}

TEST_CASE("process pool: workers that end at once are no error, SIGCHLD ignored or not") {
  const test::scratch directory;
  auto owner = test::child::run([&] {
    ::signal(SIGCHLD, SIG_IGN);
    auto options = test::pool_options(directory);
    options.program = "/bin/true";
    options.restart.limit = 0;
    for (int i = 0; i < 50; ++i) {
      process_pool pool(options);
    }
    return 0;
  });
  CHECK(owner.wait() == 0);
}

TEST_CASE("process pool: a worker that corrupts its heap spoils no answer of the others") {
  const test::scratch directory;
  auto options = test::pool_options(directory, 2);
  options.on_death = millrace::after_death::report;
  process_pool pool(options);
  pending_reply mad;
  for (int i = 0; i < 10; ++i) {
    REQUIRE(pool.send(1, "corrupt", mad) == status::ok);
    do {
      const auto bytes = test::pattern(5000, static_cast<std::uint64_t>(i));
      pending_reply sane;
      REQUIRE(pool.send(0, bytes, sane) == status::ok);
      REQUIRE(sane.wait() == status::ok);
      CHECK(test::same(sane.bytes(), bytes));
    } while (mad.wait_for(0ns) == status::timeout);
    CHECK(mad.outcome() == reply_outcome::died);
    CHECK(ask(pool, 1, "sane").text == "sane");
  }
}

TEST_CASE("process pool: a frozen worker keeps nobody else from anything") {
  const test::scratch directory;
  process_pool pool(test::pool_options(directory, 2));
  pending_reply frozen;
  const pid_t worker = test::process_of(pool, 1);
  REQUIRE(pool.send(1, "freeze", frozen) == status::ok);
  test::eventually([&] { return test::process_state(worker) == 'T'; });
  for (int i = 0; i < 1000; ++i) {
    CHECK(ask(pool, 0, "count").text == std::to_string(i + 1));
  }
  CHECK(frozen.wait_for(300ms) == status::timeout);  // longer than it takes to ask for its lease
  CHECK(pool.worker(1).deaths == 0);
  ::kill(worker, SIGCONT);
  CHECK(test::wait_for(frozen).text == "thawed");
}

TEST_CASE("process pool: a worker whose queues are spoilt or removed is given up, and no other") {
  for (const bool spoil : {true, false}) {
    for (const std::string queue : {".1.requests", ".1.replies"}) {
      INFO(spoil, queue);
      const test::scratch directory;
      process_pool pool(test::pool_options(directory, 2));
      CHECK(ask(pool, 0, "sane").text == "sane");
      CHECK(ask(pool, 1, "sane").text == "sane");
      for (const std::string& name : directory.entries()) {
        if (!name.ends_with(queue)) {
          continue;
        }
        if (spoil) {
          using namespace millrace::detail;
          const test::mapped_bytes file(directory.path() / name);
          for (std::size_t i = 0; i < 64 * 1024 / 256; ++i) {
            file.word(slots_offset + i * sizeof(slot<native_atomics>)) = ~std::uint64_t{0};
          }
        } else {
          CHECK(millrace::remove(name, directory.path()));
        }
      }
      pending_reply reply;
      while (pool.send(1, "lost", reply) == status::ok) {
        CHECK(test::wait_for(reply).outcome == reply_outcome::died);
      }
      test::eventually([&] { return pool.worker(1).given_up; });
      CHECK(ask(pool, 0, "sane").text == "sane");
      CHECK_FALSE(pool.worker(0).given_up);
      CHECK(pool.drain() == status::ok);
      CHECK(directory.entries().empty());
    }
  }
}
