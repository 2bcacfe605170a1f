// The doctor beside traffic: no false alarms, and nothing that belongs to the living is touched.
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <random>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <millrace/millrace.hpp>

#include "examining.hpp"
#include "queue/invariants.hpp"
#include "queue/snapshot.hpp"
#include "support/bytes.hpp"
#include "support/child.hpp"
#include "support/scratch.hpp"

using millrace::fault;
using millrace::publisher;
using millrace::role;
using millrace::status;
using millrace::subscriber;
using namespace std::chrono_literals;
using test::examine;
using test::found_in;
using test::memory_of;
using test::repair;

namespace {

/// Everything that a publisher can do, until killed.
int publish_for_ever(const millrace::queue_options& options, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  publisher p("q", options);
  for (;;) {
    const std::size_t size = random() % 8 == 0 ? random() % 1000 : random() % 120;
    switch (random() % 8) {
    case 0: {
      const auto a = test::bytes(size);
      const auto b = test::bytes(random() % 300);
      const std::span<const std::byte> batch[] = {a, b, b};
      (void)p.try_enqueue_batch(batch);
      break;
    }
    case 1:
      if (auto room = p.try_reserve(size); room && random() % 3 != 0) {
        (void)room->commit(size / 2);
      }
      break;
    case 2:
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 300));
      break;
    default:
      (void)p.enqueue_for(test::bytes(size), 1ms);
    }
  }
}

/// Everything that a subscriber can do.
int subscribe_for_ever(const millrace::queue_options& options, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::optional<subscriber> s(std::in_place, "q", options);
  std::vector<millrace::message> loans;
  test::bytes buffer(2000);
  for (;;) {
    std::size_t size = 0;
    switch (random() % 8) {
    case 0:
    case 1:
      if (auto m = s->try_dequeue(); m && loans.size() < 5) {
        loans.push_back(std::move(*m));
      }
      break;
    case 2:
      if (!loans.empty()) {
        loans.back().requeue();
        loans.pop_back();
      }
      break;
    case 3:
      loans.clear();
      break;
    case 4:
      if (random() % 100 == 0) {
        loans.clear();
        s.reset();
        s.emplace("q", options);
      }
      break;
    default:
      (void)s->try_dequeue(buffer, size);
      (void)s->dequeue_for(std::chrono::microseconds(random() % 500));
    }
  }
}

/// Calls `body` on a busy queue of each mix of roles, with two of each side where that is allowed.
template <class Body>
void beside_traffic(Body body) {
  for (const role publishers : {role::shared, role::exclusive}) {
    for (const role subscribers : {role::shared, role::exclusive}) {
      CAPTURE(static_cast<int>(publishers));
      CAPTURE(static_cast<int>(subscribers));
      test::scratch directory;
      // A long ring moves much during a look, a short one goes through many laps.
      auto options = directory.options(publishers == subscribers ? 4096 * 64 : 64 * 64, 64);
      options.publishers = publishers;
      options.subscribers = subscribers;
      options.patience = 1ms;
      { const publisher first("q", options); }
      std::vector<test::child> all;
      for (std::uint64_t i = 0; i < 2; ++i) {
        if (i == 0 || publishers == role::shared) {
          all.push_back(test::child::run([=] { return publish_for_ever(options, i); }));
        }
        if (i == 0 || subscribers == role::shared) {
          all.push_back(test::child::run([=] { return subscribe_for_ever(options, i); }));
        }
      }
      const auto finished = [&] { return millrace::stat("q", directory.path()).finished; };
      const auto goes_on = [&] {
        test::eventually([&, before = finished()] { return finished() > before; });
      };
      goes_on();
      body(directory, all);
      goes_on();
      for (const auto& each : all) {
        CHECK(test::process_state(each.pid()) != 'Z');
      }
    }
  }
}

}  // namespace

TEST_CASE("not even one look at a queue in use sees what looks wrong") {
  beside_traffic([](const test::scratch& directory, const auto&) {
    const auto memory = memory_of(directory);
    const auto leases = millrace::detail::leases_of(*memory);
    for (int i = 0; i < 1000; ++i) {
      const auto seen = millrace::detail::read(*memory, leases.get());
      for (const auto& each : suspect_words(*memory, seen)) {
        REQUIRE_MESSAGE(false, each.what.where, ": ", each.what.found);
      }
    }
  });
}

TEST_CASE("the doctor raises no alarm over a healthy queue in use, and its repair does nothing") {
  beside_traffic([](const test::scratch& directory, const auto&) {
    for (int i = 0; i < 100; ++i) {
      const auto d = examine(directory);
      REQUIRE_MESSAGE(d.findings.empty(), found_in(d));
      if (i % 20 == 0) {
        REQUIRE(repair(directory).done.empty());
      }
    }
  });
}

TEST_CASE("frozen at whatever moment, those in a queue are found stopped and nothing else") {
  beside_traffic([](const test::scratch& directory, const std::vector<test::child>& all) {
    std::mt19937_64 random(3);
    for (int i = 0; i < 12; ++i) {
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 3000));
      const bool everybody = i % 3 == 0;
      const auto& one = all[random() % all.size()];
      for (const auto& each : all) {
        if (everybody || &each == &one) {
          each.freeze();
        }
      }
      const auto d = examine(directory);
      for (const auto& each : all) {
        each.thaw();
      }
      CHECK_MESSAGE(d.healthy(), found_in(d));
      for (const auto& f : d.findings) {
        CHECK_MESSAGE(f.what == fault::participant_stopped, found_in(d));
      }
    }
  });
}
