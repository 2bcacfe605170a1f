// Sixty-four processes that create, open and remove one name at random, and are killed at random.
#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <unistd.h>

#include <millrace/millrace.hpp>

#include "support/child.hpp"
#include "support/printing.hpp"
#include "support/scratch.hpp"
#include "support/watchdog.hpp"

using namespace std::chrono_literals;
using millrace::errc;
using millrace::lifetime;
using millrace::opening;
using millrace::publisher;
using millrace::status;
using millrace::subscriber;

namespace {

/// Answers that a race may end in.
bool fair(errc code) {
  return code == errc::not_found || code == errc::already_exists || code == errc::option_mismatch;
}

bool good(publisher& p) {
  const status answer = p.try_enqueue("x");
  test::expect(answer == status::ok || answer == status::full || answer == status::removed);
  return answer != status::removed;
}

bool good(subscriber& s) {
  const auto m = s.try_dequeue();
  test::expect(m ? m->text() == "x"
                 : s.last_status() == status::empty || s.last_status() == status::removed);
  return m || s.last_status() == status::empty;
}

/// As long as a handle is good, its queue has the name: whoever looks there finds it taking part.
/// Two queues of one name would both have to. A queue that was removed stays so, hence what is good
/// after the look was so during it.
void expect_one_queue(const test::scratch& directory, std::optional<publisher>& p,
                      std::optional<subscriber>& s) {
  std::vector<millrace::participant_info> there;
  try {
    there = millrace::stat("q", directory.path()).participants;
  } catch (const millrace::error& problem) {
    test::expect(problem.code() == errc::not_found, problem.what());
  }
  const auto found = [&](bool publishes) {
    return std::ranges::any_of(there, [&](const auto& someone) {
      return someone.pid == static_cast<std::uint32_t>(::getpid()) &&
             someone.publishes == publishes;
    });
  };
  const bool publishes = p && good(*p);
  const bool subscribes = s && good(*s);
  test::expect(!publishes || found(true), "a publisher's queue, not removed, lost its name");
  test::expect(!subscribes || found(false), "a subscriber's queue, not removed, lost its name");
}

void one_step(const test::scratch& directory, std::mt19937_64& random, std::optional<publisher>& p,
              std::optional<subscriber>& s) {
  auto options = directory.options(64 * 64, 64);
  options.open = std::array{opening::open_or_create, opening::open_or_create, opening::create_only,
                            opening::open_only}[random() % 4];
  if (random() % 3 == 0) {
    options.life = lifetime::transient;
  }
  try {
    switch (random() % 8) {
    case 0:
    case 1:
      p.emplace("q", options);
      break;
    case 2:
      s.emplace("q", options);
      break;
    case 3:
      p.reset();
      break;
    case 4:
      s.reset();
      break;
    case 5:
      millrace::remove("q", directory.path());
      break;
    case 6:
      expect_one_queue(directory, p, s);
      break;
    case 7: {
      const auto names = millrace::list(directory.path());
      test::expect(names.size() <= 1 && (names.empty() || names.front() == "q"));
      (void)millrace::stat("q", directory.path());
      (void)millrace::peek("q", 10, directory.path());
      break;
    }
    }
  } catch (const millrace::error& problem) {
    test::expect(fair(problem.code()), problem.what());
  }
}

void race(std::chrono::milliseconds time, bool kill, std::uint64_t seed) {
  INFO("seed ", seed, std::string(kill ? ", with kills" : ""));
  constexpr std::size_t processes = 64;
  const auto semaphores = test::named_semaphores();
  test::scratch directory;
  std::mt19937_64 random(seed);
  const auto end = std::chrono::steady_clock::now() + time;
  const auto start = [&] {
    return test::child::run([&directory, end, own_seed = random()] {
      std::mt19937_64 own(own_seed);
      std::optional<publisher> p;
      std::optional<subscriber> s;
      while (std::chrono::steady_clock::now() < end) {
        one_step(directory, own, p, s);
      }
      return 0;
    });
  };
  std::vector<test::child> all;
  for (std::size_t i = 0; i < processes; ++i) {
    all.push_back(start());
  }
  std::size_t killed = 0;
  for (; kill && std::chrono::steady_clock::now() < end; ++killed) {
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 5000));
    auto& victim = all[random() % processes];
    victim.kill();
    victim = start();
  }
  for (auto& one : all) {
    CHECK(one.wait() == 0);
  }
  // Whatever was left there is no obstacle.
  auto options = directory.options();
  {
    publisher p("q", options);
    subscriber s("q", options);
    while (s.try_dequeue()) {
    }
    CHECK(p.try_enqueue("works") == status::ok);
    auto m = s.dequeue();
    REQUIRE(m);
    CHECK(m->text() == "works");
  }
  millrace::remove("q", directory.path());
  CHECK(directory.entries().empty());
  // Whoever is killed between making a semaphore and seeing that its queue was removed meanwhile
  // leaves it behind: a matter of microseconds.
  CHECK(test::named_semaphores() - semaphores <= killed / 10);
}

}  // namespace

TEST_CASE("of racing creators one wins and the others open the same queue") {
  for (int round = 0; round < 20; ++round) {
    test::scratch directory;
    const test::gate go;
    const test::gate attached;
    const test::gate over;
    std::vector<test::child> all;
    for (int i = 0; i < 16; ++i) {
      all.push_back(test::child::run([&] {
        go.await();
        publisher p("q", directory.options(64 * 64, 64));
        test::expect(p.try_enqueue("x") == status::ok);
        attached.open();
        over.await();
        return 0;
      }));
    }
    for (int i = 0; i < 16; ++i) {
      go.open();
    }
    for (int i = 0; i < 16; ++i) {
      attached.await();
    }
    const auto info = millrace::stat("q", directory.path());
    CHECK(info.participants.size() == 16);
    CHECK(info.depth == 16);
    CHECK(directory.entries().size() == 1);
    for (int i = 0; i < 16; ++i) {
      over.open();
    }
    for (auto& one : all) {
      CHECK(one.wait() == 0);
    }
  }
}

TEST_CASE("of racing creators that insist on creating exactly one succeeds") {
  for (int round = 0; round < 20; ++round) {
    test::scratch directory;
    auto options = directory.options(64 * 64, 64);
    options.open = opening::create_only;
    const test::gate go;
    std::vector<test::child> all;
    for (int i = 0; i < 16; ++i) {
      all.push_back(test::child::run([&] {
        go.await();
        try {
          publisher p("q", options);
          return 10;
        } catch (const millrace::error& problem) {
          test::expect(problem.code() == errc::already_exists, problem.what());
          return 20;
        }
      }));
    }
    for (int i = 0; i < 16; ++i) {
      go.open();
    }
    int winners = 0;
    for (auto& one : all) {
      const int code = one.wait();
      CHECK((code == 10 || code == 20));
      winners += code == 10 ? 1 : 0;
    }
    CHECK(winners == 1);
  }
}

TEST_CASE("create, open and remove race without harm") {
  race(3s, false, 1);
}

TEST_CASE("create, open and remove race without harm though processes are killed") {
  race(5s, true, 2);
}

TEST_CASE("create, open and remove race without harm, for minutes") {
  test::allow(1200);
  for (std::uint64_t seed = 10; seed < 30; ++seed) {
    race(8s, seed % 4 != 0, seed);
  }
}
