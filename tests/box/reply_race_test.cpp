// A call is answered exactly once, whoever is quicker: replies against time-outs, against callers
// that give up, among threads that reply, fail, drop, keep and delegate.
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <random>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <millrace/box/command.hpp>
#include <millrace/box/message_box.hpp>

#include "box/tally.hpp"

using namespace std::chrono_literals;
using counted_calls::answer;
using counted_calls::ask;
using counted_calls::desk;
using counted_calls::living_answers;
using counted_calls::tally;
using millrace::reply_box;

namespace {

constexpr auto long_time = 1h;  // the watchdog is quicker

TEST_CASE("race: a reply and a time-out: both sides agree which came first") {
  constexpr int callers = 3;
  constexpr int each = 3000;
  tally here;
  tally there;
  {
    desk<> box;
    std::vector<std::jthread> asking;
    for (int i = 0; i < callers; ++i) {
      asking.emplace_back([&here, in = box.new_input(), i]() mutable {
        std::minstd_rand random(static_cast<unsigned>(i) + 1);
        for (int k = 0; k < each; ++k) {
          const std::chrono::nanoseconds time(random() % 60'000);
          here.add(k, call(in, ask{k}, time));
        }
      });
    }
    for (auto& message : box) {
      handle(std::move(message),
             [&](ask&& a, reply_box<answer> reply) { there.reply(std::move(a), reply); });
    }
  }
  CHECK(here.replied == there.replied);
  CHECK(here.gone == there.gone);
  CHECK(here.replied + here.gone == callers * each);
  CHECK(living_answers == 0);
}

TEST_CASE("race: a reply and a caller that gives up") {
  constexpr int calls = 20'000;
  desk<> box;
  auto in = box.new_input();
  std::vector<millrace::async_reply<answer>> replies;
  std::vector<reply_box<answer>> boxes;
  for (int i = 0; i < calls; ++i) {
    replies.push_back(call_async(in, ask{i}));
    handle(std::move(box.try_receive().value()),
           [&](ask&&, reply_box<answer> reply) { boxes.push_back(std::move(reply)); });
  }
  tally told;
  int taken = 0;
  std::atomic<int> ready{0};
  const auto meet = [&ready] {
    for (++ready; ready != 2;) {
    }
  };
  {
    const std::jthread replier([&] {
      meet();
      for (int i = 0; i < calls; ++i) {
        told.add(told.replied, reply_to(boxes[static_cast<std::size_t>(i)], answer(i)));
      }
    });
    meet();
    for (auto& reply : replies) {
      if (const auto got = reply.try_take()) {
        ++taken;
      } else {
        auto dropped = std::move(reply);
      }
    }
  }
  CHECK(told.replied + told.gone == calls);
  CHECK(told.replied >= taken);  // some came between the look and the drop
  CHECK(living_answers == 0);
}

TEST_CASE("race: many callers, and repliers that reply, fail, drop, keep for later and delegate") {
  constexpr int callers = 4;
  constexpr int desks = 3;
  constexpr int each = 2000;
  tally here;
  tally there;
  std::atomic<int> callers_left{callers};
  {
    std::vector<desk<>> boxes(desks);
    std::vector<desk<>::input_type> inputs;
    for (auto& box : boxes) {
      inputs.push_back(box.new_input());
    }
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < desks; ++i) {
      threads.emplace_back([&, i, others = inputs]() mutable {
        std::minstd_rand random(i + 1);
        std::optional<reply_box<answer>> kept;
        int number_of_kept = 0;
        for (auto& message : boxes[i]) {
          handle(std::move(message), [&](ask&& a, reply_box<answer> reply) {
            switch (random() % 6) {
            case 0:
              there.add(there.failed, fail(reply, "no"));
              break;
            case 1: {
              const reply_box<answer> dropped(std::move(reply));
              break;
            }
            case 2:
              if (kept) {
                there.add(there.replied, reply_to(*kept, answer(number_of_kept)));
              }
              number_of_kept = a.number;
              kept.emplace(std::move(reply));
              break;
            case 3:
              if (delegate_call(reply, others[random() % desks], std::move(a))) {
                break;
              }
              [[fallthrough]];
            default:
              there.reply(std::move(a), reply);
            }
          });
        }
      });
    }
    for (unsigned i = 0; i < callers; ++i) {
      threads.emplace_back([&, i, desks_of_mine = inputs]() mutable {
        std::minstd_rand random(100 + i);
        for (int k = 0; k < each; ++k) {
          // Most wait long enough for anything but a box that is kept.
          const auto time = random() % 8 == 0 ? std::chrono::microseconds(random() % 30) : 2ms;
          here.add(k, call(desks_of_mine[random() % desks], ask{k}, time));
        }
        if (--callers_left == 0) {
          for (auto& box : boxes) {
            box.close();
          }
        }
      });
    }
  }
  CHECK(here.replied == there.replied);
  CHECK(here.failed == there.failed);
  CHECK(here.replied + here.gone + here.failed + here.closed == callers * each);
  CHECK(here.closed > 0);
  CHECK(living_answers == 0);
}

TEST_CASE("race: a box that closes, or goes away, while many call: none of them waits on") {
  constexpr int callers = 3;
  constexpr int rounds = 200;
  tally here;
  tally there;
  std::atomic<int> calls{0};
  for (int round = 0; round < rounds; ++round) {
    std::optional<desk<>> box(std::in_place);
    std::vector<std::jthread> asking;
    for (int i = 0; i < callers; ++i) {
      asking.emplace_back([&, in = box->new_input()]() mutable {
        do {
          ++calls;
          here.add(7, call(in, ask{7}, long_time));
        } while (!in.closed());
      });
    }
    const auto serve = [&](ask&& a, reply_box<answer> reply) { there.reply(std::move(a), reply); };
    for (int i = 0; i < round % 20; ++i) {
      handle(std::move(box->receive().value()), serve);
    }
    if (round % 2 == 0) {
      box->close();
      for (auto& message : *box) {
        handle(std::move(message), serve);
      }
    }
    box.reset();
  }
  CHECK(here.replied == there.replied);
  CHECK(there.gone == 0);
  CHECK(here.replied + here.unsent + here.closed == calls);
  // Whether any call was still in the box, or came too late, is up to the scheduler.
  WARN(here.closed > 0);
  WARN(here.unsent > 0);
  CHECK(living_answers == 0);
}

}  // namespace
