// Commands need nothing of a transport but that it moves messages: here one that is no box, and one
// that sends bytes over the queues between processes.
#include <chrono>
#include <cstdint>
#include <cstring>
#include <deque>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <utility>

#include <doctest/doctest.h>

#include <millrace/box/catch_all.hpp>
#include <millrace/box/command.hpp>
#include <millrace/box/message_box.hpp>
#include <millrace/queue/publisher.hpp>
#include <millrace/queue/subscriber.hpp>

#include "support/scratch.hpp"

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

TEST_CASE("transport: an input that lets nothing thrown escape carries commands, too") {
  millrace::message_box<api::message, millrace::non_blocking> box({.limit = 1});
  auto in = catch_all(box.new_input(), [](const std::exception_ptr&) {});
  CHECK(cast(in, add{40}));
  CHECK(call(in, total{2}, 0s).error().code == millrace::command_errc::could_not_enqueue);
}

/// What queues carry is bytes.
template <class Frame>
void send(millrace::publisher& to, const Frame& frame) {
  REQUIRE(to.enqueue(std::as_bytes(std::span(&frame, 1))) == millrace::status::ok);
}
template <class Frame>
std::optional<Frame> receive(millrace::subscriber& from) {
  const auto message = from.dequeue_for(1ms);
  if (!message) {
    return std::nullopt;
  }
  Frame frame;
  std::memcpy(&frame, message->bytes().data(), sizeof frame);
  return frame;
}

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

  near_end(const millrace::queue_options& options)
      : there_("there", options), back_("back", options) {}

  bool deliver(value_type&& message) {
    message.visit([this](auto& content) { send_command(content); });
    return true;
  }
  /// In a thread of its own.
  void listen(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      if (const auto a = receive<answer>(back_)) {
        std::unique_lock lock(mutex_);
        auto waiting = waiting_.extract(a->call);
        lock.unlock();
        REQUIRE(waiting);
        (void)(a->failed ? fail(waiting.mapped(), "over there")
                         : reply_to(waiting.mapped(), a->number));
      }
    }
  }

 private:
  void send_command(millrace::envelope<add>& cast) {
    send(there_, request{false, 0, cast.command.number});
  }
  void send_command(millrace::envelope<total>& call) {
    const auto id = call.reply.id().value();
    {
      const std::lock_guard lock(mutex_);
      waiting_.emplace(id, std::move(call.reply));
    }
    send(there_, request{true, id, call.command.offset});
  }

  millrace::publisher there_;
  millrace::subscriber back_;
  std::mutex mutex_;
  std::map<std::uint64_t, reply_box<int>> waiting_;
};

/// The far end: makes the calls again, to a box there, and sends back what they return.
template <class Input>
void serve_far_end(const millrace::queue_options& options, Input to, const std::stop_token& stop) {
  millrace::subscriber there("there", options);
  millrace::publisher back("back", options);
  std::map<std::uint64_t, millrace::async_reply<int>> calls;
  while (!stop.stop_requested()) {
    if (const auto r = receive<request>(there)) {
      if (r->is_call) {
        calls.emplace(r->call, call_async(to, total{r->number}));
      } else {
        CHECK(cast(to, add{r->number}));
      }
    }
    for (auto c = calls.begin(); c != calls.end();) {
      const auto reply = c->second.try_take();
      if (reply) {
        send(back, *reply ? answer{c->first, false, **reply} : answer{c->first, true, 0});
      }
      c = reply ? calls.erase(c) : std::next(c);
    }
  }
}

TEST_CASE("transport: calls go over a queue of bytes, the reply boxes staying at home") {
  const test::scratch scratch;
  const auto options = scratch.options();
  near_end link(options);
  millrace::message_box<api::message> box;
  auto to_box = box.new_input();
  const std::jthread server([&box] {
    adder sums;
    for (auto& message : box) {
      handle(std::move(message), sums);
    }
  });
  {
    const std::jthread far_end([&, to = std::move(to_box)](const std::stop_token& stop) {
      serve_far_end(options, to, stop);
    });
    const std::jthread listener([&link](const std::stop_token& stop) { link.listen(stop); });
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
