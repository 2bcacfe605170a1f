// Commands need nothing of a transport but that it moves messages: here one that is no box, and one
// that sends bytes, as a queue between processes would.
#include <chrono>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <millrace/box/command.hpp>
#include <millrace/box/message_box.hpp>

using namespace std::chrono_literals;
using millrace::call;
using millrace::call_async;
using millrace::cast;
using millrace::reply_box;

namespace {

constexpr auto long_time = 1h;  // the watchdog is quicker

struct add {
  int number;
  using returns = millrace::fire_and_forget;
};
struct total {
  int offset;
  using returns = millrace::returns<int>;
};
using api = millrace::protocol<add, total>;

struct adder {
  int sum = 0;
  void operator()(add&& a) { sum += a.number; }
  auto operator()(total&& t, reply_box<int> reply) {
    return t.offset < 0 ? fail(reply, "negative") : reply_to(reply, t.offset + sum);
  }
};

/// As plain as can be.
class tray {
 public:
  using value_type = api::message;

  bool deliver(value_type&& message) {
    const std::lock_guard lock(mutex_);
    messages_.push_back(std::move(message));
    return true;
  }
  template <class Handler>
  bool handle_one(Handler& handler) {
    std::unique_lock lock(mutex_);
    if (messages_.empty()) {
      return false;
    }
    auto message = std::move(messages_.front());
    messages_.pop_front();
    lock.unlock();
    handle(std::move(message), handler);
    return true;
  }

 private:
  std::mutex mutex_;
  std::deque<value_type> messages_;
};

TEST_CASE("transport: commands go over anything that delivers messages") {
  tray between;
  const std::jthread server([&between](const std::stop_token& stop) {
    adder sums;
    while (!stop.stop_requested()) {
      between.handle_one(sums);
    }
  });
  CHECK(cast(between, add{40}));
  CHECK(call(between, total{2}, long_time).value() == 42);
  CHECK(call(between, total{-1}, long_time).error().why == "negative");
}

/// Bytes in one direction: what a queue between two processes carries.
struct wire {
  std::mutex mutex;
  std::deque<std::vector<char>> frames;

  template <class Frame>
  void send(const Frame& frame) {
    const auto* const first = reinterpret_cast<const char*>(&frame);
    const std::lock_guard lock(mutex);
    frames.emplace_back(first, first + sizeof frame);
  }
  template <class Frame>
  std::optional<Frame> receive() {
    const std::lock_guard lock(mutex);
    if (frames.empty()) {
      return std::nullopt;
    }
    Frame frame;
    std::memcpy(&frame, frames.front().data(), sizeof frame);
    frames.pop_front();
    return frame;
  }
};

struct request {
  bool is_call;
  std::uint64_t call;
  int number;
};
struct answer {
  std::uint64_t call;
  bool failed;
  int number;
};

/// The near end: sends commands, and keeps the reply boxes until their answers come.
class near_end {
 public:
  using value_type = api::message;

  near_end(wire& there, wire& back) : there_(there), back_(back) {}

  bool deliver(value_type&& message) {
    message.visit([this](auto& content) { send(content); });
    return true;
  }
  void listen() {
    while (const auto a = back_.receive<answer>()) {
      std::unique_lock lock(mutex_);
      auto waiting = waiting_.extract(a->call);
      lock.unlock();
      REQUIRE(waiting);
      (void)(a->failed ? fail(waiting.mapped(), "over there")
                       : reply_to(waiting.mapped(), a->number));
    }
  }

 private:
  void send(millrace::envelope<add>& cast) { there_.send(request{false, 0, cast.command.number}); }
  void send(millrace::envelope<total>& call) {
    const auto id = call.reply.id().value();
    {
      const std::lock_guard lock(mutex_);
      waiting_.emplace(id, std::move(call.reply));
    }
    there_.send(request{true, id, call.command.offset});
  }

  wire& there_;
  wire& back_;
  std::mutex mutex_;
  std::map<std::uint64_t, reply_box<int>> waiting_;
};

/// The far end: makes the calls again, to a box there, and sends back what they return.
template <class Input>
void serve_far_end(wire& there, wire& back, Input to, const std::stop_token& stop) {
  std::map<std::uint64_t, millrace::async_reply<int>> calls;
  while (!stop.stop_requested()) {
    if (const auto r = there.receive<request>()) {
      if (r->is_call) {
        calls.emplace(r->call, call_async(to, total{r->number}));
      } else {
        CHECK(cast(to, add{r->number}));
      }
    }
    for (auto c = calls.begin(); c != calls.end();) {
      const auto reply = c->second.try_take();
      if (reply) {
        back.send(*reply ? answer{c->first, false, **reply} : answer{c->first, true, 0});
      }
      c = reply ? calls.erase(c) : std::next(c);
    }
  }
}

TEST_CASE("transport: calls go over bytes, the reply boxes staying at home") {
  wire there;
  wire back;
  near_end link(there, back);
  millrace::message_box<api::message> box;
  std::jthread server([&box] {
    adder sums;
    for (auto& message : box) {
      handle(std::move(message), sums);
    }
  });
  {
    const std::jthread far_end([&, to = box.new_input()](const std::stop_token& stop) {
      serve_far_end(there, back, to, stop);
    });
    const std::jthread listener([&link](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        link.listen();
      }
    });
    CHECK(cast(link, add{40}));
    CHECK(call(link, total{2}, long_time).value() == 42);
    auto first = call_async(link, total{1});
    auto second = call_async(link, total{-1});
    CHECK(second.wait_for(long_time));
    CHECK(second.try_take().value().error().code == millrace::command_errc::failed);
    CHECK(first.wait_for(long_time));
    CHECK(first.try_take().value().value() == 41);
  }
}

}  // namespace
