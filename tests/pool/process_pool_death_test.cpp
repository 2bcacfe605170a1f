// Process pools whose workers die, freeze or go mad, and pools that are stopped or killed.
#include <array>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <unistd.h>

#include <millrace/queue/publisher.hpp>

#include "pool/pools.hpp"
#include "support/bytes.hpp"

using namespace std::chrono_literals;
using millrace::pending_reply;
using millrace::process_pool;
using millrace::reply_outcome;
using millrace::status;
using test::ask;

namespace {

/// A process with a pool of two workers, which both serve.
class owner {
  std::array<int, 2> ends_ = [] {  // first, as the process has it too
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    return ends;
  }();

 public:
  test::child process;
  std::array<pid_t, 2> workers{};

  /// `then`: what the owner does with its pool before it waits to be killed.
  template <class Then>
  owner(const millrace::process_pool_options& options, Then then)
      : process(test::child::run([&] {
          process_pool pool(options);
          const std::array<pid_t, 2> served{test::process_of(pool, 0), test::process_of(pool, 1)};
          then(pool);
          test::expect(::write(ends_[1], served.data(), sizeof served) == sizeof served);
          const test::gate never;
          never.await();
          return 0;
        })) {
    REQUIRE(::read(ends_[0], workers.data(), sizeof workers) == sizeof workers);
  }
  explicit owner(const millrace::process_pool_options& options)
      : owner(options, [](process_pool&) {}) {}
  ~owner() {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
};

void all_gone(const std::array<pid_t, 2>& workers) {
  test::eventually([&] { return test::gone(workers[0]) && test::gone(workers[1]); });
}

}  // namespace

// ---- death

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
    }
  }
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

// ---- stopping

TEST_CASE("process pool: drained, it answers all that was sent, and leaves nothing") {
  const test::scratch directory;
  std::vector<pending_reply> replies(100);
  process_pool pool(test::pool_options(directory, 2));
  const std::array workers{test::process_of(pool, 0), test::process_of(pool, 1)};
  for (std::size_t i = 0; i < replies.size(); ++i) {
    REQUIRE(pool.send(i, i == 50 ? "die_once" : "sleep 1", replies[i]) == status::ok);
  }
  CHECK(pool.drain() == status::ok);
  for (auto& each : replies) {
    CHECK(each.wait_for(0ns) == status::ok);
    CHECK(each.outcome() == reply_outcome::answered);
    each.reset();
  }
  all_gone(workers);
  CHECK(directory.entries().empty());
  pending_reply late;
  CHECK(pool.send(1, "late", late) == status::closed);
  CHECK(pool.drain() == status::ok);
  CHECK(pool.worker(1).deaths + pool.worker(0).deaths == 1);
}

TEST_CASE("process pool: killed, it reports what has no reply, and leaves nothing") {
  const test::scratch directory;
  process_pool pool(test::pool_options(directory, 2));
  const std::array workers{test::process_of(pool, 0), test::process_of(pool, 1)};
  pending_reply done;
  pending_reply stuck;
  pending_reply behind;
  REQUIRE(pool.send(1, "done", done) == status::ok);
  REQUIRE(pool.send(1, "hang", stuck) == status::ok);
  REQUIRE(pool.send(3, "behind", behind) == status::ok);
  CHECK(pool.drain_for(50ms) == status::timeout);
  CHECK(done.wait_for(0ns) == status::ok);
  std::jthread waiter([&] {
    if (behind.wait() != status::ok) {
      FAIL("not told");
    }
  });
  pool.kill();
  CHECK(test::wait_for(stuck).outcome == reply_outcome::stopped);
  waiter.join();
  CHECK(behind.outcome() == reply_outcome::stopped);
  CHECK(done.text() == "done");
  CHECK(test::gone(workers[0]));
  CHECK(test::gone(workers[1]));
  CHECK(directory.entries().empty());
  CHECK(pool.drain() == status::ok);
}

TEST_CASE("process pool: its end kills frozen workers, and leaves nothing") {
  const test::scratch directory;
  const std::size_t semaphores = test::named_semaphores();
  pid_t worker = 0;
  {
    process_pool pool(test::pool_options(directory));
    worker = test::process_of(pool, 1);
    ::kill(worker, SIGSTOP);
  }
  CHECK(test::gone(worker));
  CHECK(directory.entries().empty());
  CHECK(test::named_semaphores() == semaphores);
}

TEST_CASE("process pool: killed with SIGKILL, it leaves no workers and no files") {
  const test::scratch directory;
  const std::size_t semaphores = test::named_semaphores();
  enum class busy {
    idle,
    handling,
    frozen,
    behind
  };
  for (const auto how : {busy::idle, busy::handling, busy::frozen, busy::behind}) {
    INFO("workers are ", static_cast<int>(how));
    auto options = test::pool_options(directory, 2);
    if (how == busy::behind) {
      options.arguments = {"behind"};
    }
    owner pool(options, [how](process_pool& p) {
      pending_reply reply;
      const std::string what = how == busy::handling ? "hang" : how == busy::frozen ? "freeze" : "";
      if (!what.empty()) {
        test::expect(p.send(0, what, reply) == status::ok);
        test::expect(p.send(1, what, reply) == status::ok);
      }
    });
    if (how == busy::frozen) {
      test::eventually([&] {
        return test::process_state(pool.workers[0]) == 'T' &&
               test::process_state(pool.workers[1]) == 'T';
      });
    }
    pool.process.kill();
    all_gone(pool.workers);
    CHECK(directory.entries().empty());
    CHECK(test::named_semaphores() == semaphores);
  }
}

TEST_CASE(
    "process pool: what a pool leaves that is killed with all its workers, the next takes away") {
  const test::scratch directory;
  {
    owner pool(test::pool_options(directory, 2));
    ::kill(pool.process.pid(), SIGSTOP);  // so that it starts none again
    ::kill(pool.workers[0], SIGKILL);
    ::kill(pool.workers[1], SIGKILL);
    all_gone(pool.workers);
    pool.process.kill();
  }
  CHECK(directory.entries().size() == 4);
  {
    millrace::publisher neighbour("neighbour", directory.options());
    process_pool pool(test::pool_options(directory));
    CHECK(directory.entries().size() == 3);
    process_pool another(test::pool_options(directory));
    CHECK(directory.entries().size() == 5);
    CHECK(ask(pool, 1, "undisturbed").text == "undisturbed");
  }
  CHECK(directory.entries() == std::vector<std::string>{"neighbour"});
}

TEST_CASE("process pool: a forked child of its process can neither use nor end it") {
  const test::scratch directory;
  process_pool pool(test::pool_options(directory));
  CHECK(ask(pool, 1, "before").text == "before");
  auto child = test::child::run([&] {
    pending_reply reply;
    int refused = 0;
    for (const auto& use : {std::function<void()>([&] { (void)pool.send(1, "child", reply); }),
                            std::function<void()>([&] { pool.kill(); })}) {
      try {
        use();
      } catch (const millrace::error& problem) {
        refused += problem.code() == millrace::errc::forked ? 1 : 0;
      }
    }
    pool.~process_pool();
    return refused == 2 ? 0 : 1;
  });
  CHECK(child.wait() == 0);
  CHECK(ask(pool, 1, "after").text == "after");
}
