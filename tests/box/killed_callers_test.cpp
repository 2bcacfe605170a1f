// Callers that end in the middle of a call, thousands of them: none of them leaves anything behind,
// the box and its other callers go on.
#include <array>
#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "box/run_loop.hpp"
#include "box/running.hpp"
#include "box/tally.hpp"

using namespace std::chrono_literals;
using counted_calls::answer;
using counted_calls::ask;
using counted_calls::desk;
using counted_calls::living_answers;
using counted_calls::tally;
using millrace::reply_box;

namespace {

constexpr int kills = 10'000;

/// Replies, and says if a question comes twice.
class careful_clerk {
 public:
  explicit careful_clerk(tally& told) : told_(told) {}
  void operator()(ask&& a, reply_box<answer> reply) {
    seen_twice += seen_.insert(a.number).second ? 0 : 1;
    told_.reply(std::move(a), reply);
  }
  int seen_twice = 0;

 private:
  tally& told_;
  std::set<int> seen_;
};

template <class Input>
test::running ask_in_coroutine(const Input& in, const millrace::scheduler& where, int number,
                               tally& here) {
  ask question{number};
  auto reply = co_await call_async(in, std::move(question));
  here.add(number, co_await std::move(reply).on(where));
}

TEST_CASE("killed: coroutines that are destroyed while they wait for room or for their reply") {
  tally here;
  tally there;
  careful_clerk clerk(there);
  {
    desk<millrace::blocking> box({.limit = 2});
    test::run_loop loop;
    const millrace::scheduler on_loop = loop.executor();
    const auto in = box.new_input().on(on_loop);
    const std::jthread serving([&] {
      for (auto& message : box) {
        handle(std::move(message), clerk);
      }
    });
    std::array<std::optional<test::running>, 8> callers;
    std::minstd_rand random(1);
    for (int i = 0; i < kills; ++i) {
      auto& next = callers[random() % callers.size()];
      next.reset();  // kills it, if it still runs
      next.emplace(ask_in_coroutine(in, on_loop, i, here));
      while (i % 64 == 0 && !next->done()) {  // this one lives
        loop.run();
        std::this_thread::yield();
      }
      for (auto patience = random() % 50; patience > 40; --patience) {
        std::this_thread::yield();
        loop.run();
      }
    }
    for (auto& caller : callers) {
      caller.reset();
    }
    const int before = here.replied;
    const test::running last = ask_in_coroutine(in, on_loop, kills, here);
    while (!last.done()) {
      loop.run();
      std::this_thread::yield();
    }
    CHECK(here.replied == before + 1);
    box.close();
  }
  CHECK(clerk.seen_twice == 0);
  CHECK(here.replied > 1);
  CHECK(here.replied <= there.replied);
  WARN(there.gone > 0);
  CHECK(living_answers == 0);
}

/// The stop_source of a call that may be made now.
class victim {
 public:
  std::stop_token next() {
    const std::lock_guard lock(mutex_);
    source_ = std::stop_source();
    return source_.get_token();
  }
  void kill() {
    const std::lock_guard lock(mutex_);
    source_.request_stop();
  }

 private:
  std::mutex mutex_;
  std::stop_source source_;
};

TEST_CASE("killed: threads that are stopped while they wait for room or for their reply") {
  constexpr int callers = 4;
  tally here;
  tally there;
  careful_clerk clerk(there);
  {
    desk<millrace::blocking> box({.limit = 1});
    std::array<victim, callers> victims;
    const std::jthread killer([&](const std::stop_token& end) {
      for (std::minstd_rand random(1); !end.stop_requested();) {
        victims[random() % callers].kill();
        std::this_thread::yield();
      }
    });
    std::vector<std::jthread> asking;
    for (int i = 0; i < callers; ++i) {
      asking.emplace_back([&, in = box.new_input(), i]() mutable {
        for (int number = i; number < kills; number += callers) {
          const auto stop = victims[static_cast<std::size_t>(i)].next();
          here.add(number, call(in, ask{number}, 1h, stop));
        }
      });
    }
    for (auto& message : box) {
      handle(std::move(message), clerk);
    }
  }
  CHECK(clerk.seen_twice == 0);
  CHECK(here.replied == there.replied);
  CHECK(here.gone == there.gone);
  CHECK(here.replied + here.gone + here.unsent == kills);
  WARN(here.gone > 0);
  CHECK(living_answers == 0);
}

}  // namespace
