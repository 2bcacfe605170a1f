// What is asked of the kernel: nothing by the calls that do not wait, little by those that do.
#include <chrono>
#include <csignal>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <sys/resource.h>
#include <unistd.h>

#include <millrace/millrace.hpp>

#include "support/bytes.hpp"
#include "support/child.hpp"
#include "support/printing.hpp"
#include "support/scratch.hpp"
#include "support/system_calls.hpp"

using millrace::publisher;
using millrace::role;
using millrace::status;
using millrace::subscriber;
using namespace std::chrono_literals;

namespace {

/// Every call that may not wait, with every answer it has in ordinary life, once around the ring
/// and more. Without REQUIRE and the like, which would allocate and write.
bool all_quick_calls(publisher& p, subscriber& s, std::span<std::byte> buffer) {
  const std::span<const std::byte> bytes = buffer;
  const std::span<const std::byte> batch[] = {bytes.first(1), bytes.first(200), bytes.first(48)};
  bool good = true;
  std::size_t size = 0;
  for (int round = 0; round < 50; ++round) {
    for (const std::size_t length : {0u, 1u, 48u, 49u, 64u, 65u, 112u, 113u, 1000u, 2048u}) {
      good &= p.try_enqueue(bytes.first(length)) == status::ok;
      good &= s.try_dequeue().has_value();
    }
    good &= p.try_enqueue_batch(batch) == status::ok;
    for (int i = 0; i < 3; ++i) {
      good &= s.try_dequeue(buffer, size) == status::ok;
    }
    {
      auto room = p.try_reserve(500);
      good &= room.has_value() && room->commit(20) == status::ok;
    }
    good &= s.try_dequeue(buffer.first(1), size) == status::buffer_too_small;
    {
      auto m = s.try_dequeue();
      good &= m.has_value();
      m->requeue();
      auto again = s.try_dequeue();
      good &= again.has_value() && again->redelivered();
    }
    { good &= p.try_reserve(100).has_value(); }  // aborted
    good &= p.try_enqueue(bytes.first(2049)) == status::too_large;
    good &= !s.try_dequeue() && s.last_status() == status::empty;
    good &= s.try_dequeue(buffer, size) == status::empty;
    int count = 0;
    while (p.try_enqueue(bytes.first(4)) == status::ok) {
      ++count;
    }
    good &= p.last_status() == status::full && count > 0;
    good &= p.try_enqueue(bytes.first(2000)) == status::full;
    good &= p.try_enqueue_batch(batch) == status::full;
    good &= !p.try_reserve(1) && p.last_status() == status::full;
    {
      // Two loans out of order, while others go around them.
      auto a = s.try_dequeue();
      auto b = s.try_dequeue();
      a.reset();
      good &= b.has_value();
      for (count -= 2; count > 0; --count) {
        good &= s.try_dequeue().has_value();
      }
      good &= p.try_enqueue(bytes.first(4)) == status::ok;
    }
    good &= s.try_dequeue().has_value();
    good &= !s.try_dequeue();
  }
  return good;
}

}  // namespace

TEST_CASE("calls that do not wait make no system call, whatever they answer") {
  for (const role publishers : {role::shared, role::exclusive}) {
    for (const role subscribers : {role::shared, role::exclusive}) {
      CAPTURE(static_cast<int>(publishers));
      CAPTURE(static_cast<int>(subscribers));
      test::scratch directory;
      auto options = directory.options(64 * 64, 64);
      options.publishers = publishers;
      options.subscribers = subscribers;
      auto quiet = test::child::run([&] {
        publisher p("q", options);
        subscriber s("q", options);
        test::bytes buffer(4096);
        test::forbid_system_calls();
        const bool good = all_quick_calls(p, s, buffer);
        ::_exit(good ? 0 : 1);  // the handles' ends would ask the kernel again
        return 0;
      });
      CHECK(quiet.wait() == 0);
    }
  }
}

TEST_CASE("the filter on system calls does catch one") {
  auto loud = test::child::run([] {
    test::forbid_system_calls();
    return ::getppid() == 1 ? 1 : 2;
  });
  CHECK(loud.wait() == 90);
}

TEST_CASE("whoever publishes makes a system call only for somebody who sleeps") {
  for (const role publishers : {role::shared, role::exclusive}) {
    CAPTURE(static_cast<int>(publishers));
    test::scratch directory;
    auto options = directory.options(64 * 64, 64);
    options.publishers = publishers;
    bool posted = false;
    // The sleeper looks around at the end of each of its slices; only once in a while is it awake
    // at the very moment that the message comes.
    for (int attempt = 0; attempt < 20 && !posted; ++attempt) {
      const test::gate attached;
      auto sleeper = test::child::run([&] {
        subscriber s("q", options);
        attached.open();
        const auto m = s.dequeue();
        return m.has_value() ? 0 : 1;
      });
      attached.await();
      test::eventually([&] { return test::process_state(sleeper.pid()) == 'S'; });
      auto poster = test::child::run([&] {
        publisher p("q", options);
        test::count_futex_calls();
        for (int i = 0; i < 50; ++i) {
          test::expect(p.try_enqueue("x") == status::ok);
        }
        ::_exit(test::futex_calls());
        return 0;
      });
      const int calls = poster.wait();
      CHECK(calls <= 1);  // one sleeper, one call, for fifty messages
      posted = calls == 1;
      CHECK(sleeper.wait() == 0);
      subscriber rest("q", options);
      while (rest.try_dequeue()) {
      }
    }
    CHECK(posted);
  }
}

TEST_CASE("an idle waiter wakes at most ten times a second") {
  for (const role r : {role::shared, role::exclusive}) {
    CAPTURE(static_cast<int>(r));
    test::scratch directory;
    auto options = directory.options(64 * 64, 64);
    options.publishers = r;
    options.subscribers = r;
    publisher p("q", options);
    subscriber s("q", options);
    const auto sleeps_during = [](auto&& wait) {
      rusage before{};
      rusage after{};
      const auto start = std::chrono::steady_clock::now();
      ::getrusage(RUSAGE_THREAD, &before);
      wait();
      ::getrusage(RUSAGE_THREAD, &after);
      const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
      CHECK(after.ru_nvcsw > before.ru_nvcsw);  // it does sleep
      return static_cast<double>(after.ru_nvcsw - before.ru_nvcsw) / time.count();
    };
    CHECK(sleeps_during([&] { CHECK_FALSE(s.dequeue_for(2s)); }) <= 11);  // with the first and last
    while (p.try_enqueue("x") == status::ok) {
    }
    CHECK(sleeps_during([&] { CHECK(p.enqueue_for("y", 2s) == status::timeout); }) <= 11);
  }
}

TEST_CASE("waits do not depend on the wall clock") {
  test::scratch directory;
  const auto options = directory.options(64 * 64, 64);
  auto waiter = test::child::run([&] {
    publisher p("q", options);
    subscriber s("q", options);
    test::forbid_wall_clock_waits();
    test::expect(!s.dequeue_for(250ms));
    test::expect(s.last_status() == status::timeout);
    while (p.try_enqueue("x") == status::ok) {
    }
    test::expect(p.enqueue_for("y", 250ms) == status::timeout);
    return 0;
  });
  CHECK(waiter.wait() == 0);
}

TEST_CASE("the filter on wall clock waits does catch one") {
  auto waiter = test::child::run([] {
    test::forbid_wall_clock_waits();
    timespec soon{};
    ::clock_gettime(CLOCK_REALTIME, &soon);
    soon.tv_sec += 1;
    ::clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &soon, nullptr);
    return 0;
  });
  CHECK(waiter.wait() == 90);
}

namespace {

/// A signal every millisecond that interrupts whatever waits, for as long as this lives.
class signal_storm {
 public:
  signal_storm() {
    struct sigaction action {};
    action.sa_handler = [](int) {};  // and no SA_RESTART
    ::sigaction(SIGUSR1, &action, &before_);
    sigevent event{};
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = SIGUSR1;
    REQUIRE(::timer_create(CLOCK_MONOTONIC, &event, &timer_) == 0);
    const itimerspec every{{0, 1'000'000}, {0, 1'000'000}};
    REQUIRE(::timer_settime(timer_, 0, &every, nullptr) == 0);
  }
  signal_storm(const signal_storm&) = delete;
  signal_storm& operator=(const signal_storm&) = delete;
  ~signal_storm() {
    ::timer_delete(timer_);
    ::sigaction(SIGUSR1, &before_, nullptr);
  }

 private:
  struct sigaction before_ {};
  timer_t timer_{};
};

}  // namespace

TEST_CASE("signals neither end nor shorten nor break a wait") {
  test::scratch directory;
  auto options = directory.options(64 * 64, 64);
  options.spin = 0ns;  // asleep most of the time
  publisher p("q", options);
  subscriber s("q", options);
  const signal_storm storm;
  const auto start = std::chrono::steady_clock::now();
  CHECK_FALSE(s.dequeue_for(150ms));
  CHECK(s.last_status() == status::timeout);
  CHECK(std::chrono::steady_clock::now() - start >= 150ms);
  auto sender = test::child::run([&] {
    publisher late("q", options);
    ::usleep(120'000);
    test::expect(late.try_enqueue("through the storm") == status::ok);
    return 0;
  });
  auto m = s.dequeue();
  REQUIRE(m);
  CHECK(m->text() == "through the storm");
  m.reset();
  CHECK(sender.wait() == 0);
  while (p.try_enqueue("x") == status::ok) {
  }
  const auto full = std::chrono::steady_clock::now();
  CHECK(p.enqueue_for("y", 150ms) == status::timeout);
  CHECK(std::chrono::steady_clock::now() - full >= 150ms);
  auto receiver = test::child::run([&] {
    subscriber late("q", options);
    ::usleep(120'000);
    test::expect(late.try_dequeue().has_value());
    return 0;
  });
  CHECK(p.enqueue("z") == status::ok);
  CHECK(receiver.wait() == 0);
}
