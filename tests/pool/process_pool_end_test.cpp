// Process pools that are drained, stopped or killed: what they leave, which is nothing.
#include <array>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <unistd.h>

#include <millrace/core/error.hpp>
#include <millrace/queue/publisher.hpp>

#include "pool/pools.hpp"
#include "queue/segment.hpp"

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

TEST_CASE("process pool: queues that a pool was killed over before it joined them go as well") {
  const test::scratch directory;
  const auto path = directory.path() / "process-pool.0123456789abcdef.0.requests";
  millrace::queue_options options;
  options.life = millrace::lifetime::transient;
  REQUIRE(millrace::detail::segment::create(path, options));
  {
    process_pool pool(test::pool_options(directory));
    CHECK(directory.entries().size() == 3);  // it may be about to be joined
  }
  std::filesystem::last_write_time(path, std::filesystem::file_time_type::clock::now() - 11s);
  {
    process_pool pool(test::pool_options(directory));
    CHECK(directory.entries().size() == 2);
  }
}

TEST_CASE("process pool: a forked child of its process can neither use nor end it") {
  const test::scratch directory;
  process_pool pool(test::pool_options(directory));
  const pid_t worker = test::process_of(pool, 1);
  pending_reply awaited;
  pending_reply inherited;
  REQUIRE(pool.send(1, "freeze", awaited) == status::ok);
  REQUIRE(pool.send(1, "inherited", inherited) == status::ok);
  std::jthread waiter([&] { (void)awaited.wait(); });  // who receives, of which there is one
  test::eventually([&] { return test::process_state(worker) == 'T'; });
  auto child = test::child::run([&] {
    pending_reply reply;
    const std::vector<std::function<void()>> uses{
        [&] { (void)pool.try_send(1, "child", reply); },
        [&] { (void)pool.send(1, "child", reply); },
        [&] { (void)inherited.wait(); },
        [&] { (void)inherited.wait_for(0ns); },
        [&] { (void)pool.drain(); },
        [&] { pool.kill(); },
    };
    std::size_t refused = 0;
    for (const auto& use : uses) {
      try {
        use();
      } catch (const millrace::error& problem) {
        refused += problem.code() == millrace::errc::forked ? 1 : 0;
      }
    }
    inherited.reset();
    pool.~process_pool();
    return refused == uses.size() ? 0 : 1;
  });
  CHECK(child.wait() == 0);
  ::kill(worker, SIGCONT);
  CHECK(test::wait_for(inherited).text == "inherited");
  CHECK(test::process_of(pool, 1) == worker);
}
