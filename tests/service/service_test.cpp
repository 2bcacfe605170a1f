// Calls by way of queues, here between threads of one process: how each ends.
#include <chrono>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include <doctest/doctest.h>

#include <millrace/box/catch_all.hpp>
#include <millrace/queue/inspect.hpp>

#include "calculator.hpp"
#include "support/child.hpp"
#include "support/errors.hpp"
#include "support/scratch.hpp"

using namespace std::chrono_literals;
using namespace calculator;
using millrace::command_errc;
using millrace::reply_box;

namespace {

/// Keeps the boxes of additions.
class keeper {
 public:
  void keep(reply_box<int> reply) {
    const std::lock_guard lock(mutex_);
    kept_.push_back(std::move(reply));
  }
  [[nodiscard]] std::size_t count() {
    const std::lock_guard lock(mutex_);
    return kept_.size();
  }
  /// The oldest one; waits for it.
  [[nodiscard]] reply_box<int> take() {
    test::eventually([this] { return count() != 0; });
    const std::lock_guard lock(mutex_);
    reply_box<int> first = std::move(kept_.front());
    kept_.erase(kept_.begin());
    return first;
  }
  [[nodiscard]] auto clerk() {
    return clerk_but([this](add&&, reply_box<int> reply) { keep(std::move(reply)); });
  }

 private:
  std::mutex mutex_;
  std::vector<reply_box<int>> kept_;
};

TEST_CASE("service: calls return what the handler replies, casts come in their order") {
  const test::scratch scratch;
  const auto server = serve(service_in(scratch), clerk());
  client desk("desk", client_in(scratch));
  CHECK(call(desk, add{40, 2}, long_time).value() == 42);
  CHECK(call(desk, join{{"mill", "", "race"}}, long_time).value() == "millrace");
  for (int i = 0; i < 1000; ++i) {
    CHECK(cast(desk, store{i}));
    CHECK(call(desk, recall{}, long_time).value() == i);
  }
  call(desk, clear{}, long_time).value();
  CHECK(call(desk, recall{}, long_time).value() == 0);
}

TEST_CASE("service: values longer than a slot come through") {
  const test::scratch scratch;
  const auto server = serve(service_in(scratch), clerk());
  client desk("desk", client_in(scratch));
  const std::string word(50'000, 'x');
  CHECK(call(desk, join{{word, "-", word}}, long_time).value() == word + "-" + word);
}

TEST_CASE("service: a failed call says what the handler said, and which call it was") {
  const test::scratch scratch;
  const auto server = serve(service_in(scratch), clerk_but([](add&& a, reply_box<int> reply) {
                              return a.b == 0 ? fail(reply, "not that way") : reply_to(reply, a.a);
                            }));
  client desk("desk", client_in(scratch));
  auto failed = call_async(desk, add{1, 0});
  const auto id = failed.id();
  CHECK(failed.wait_for(long_time));
  const auto error = failed.try_take()->error();
  CHECK(error.code == command_errc::failed);
  CHECK(error.why == "not that way");
  CHECK(error.id == id);
  CHECK(call(desk, add{1, 1}, long_time).value() == 1);
}

TEST_CASE("service: a handler that throws fails the call and ends serving") {
  const test::scratch scratch;
  std::string thrown;
  std::jthread server([&](const std::stop_token& stop) {
    service desk("desk", service_in(scratch));
    auto throws = clerk_but([](add&&, reply_box<int>&&) { throw std::runtime_error("oh"); });
    try {
      desk.serve(throws, stop);
    } catch (const std::runtime_error& problem) {
      thrown = problem.what();
    }
    desk.serve(clerk(), stop);
  });
  client desk("desk", client_in(scratch));
  CHECK(call(desk, add{1, 2}, long_time).error().why == "oh");
  CHECK(call(desk, add{1, 2}, long_time).value() == 3);
  server = {};
  CHECK(thrown == "oh");
}

TEST_CASE("service: a reply box that is dropped ends the call at once") {
  const test::scratch scratch;
  const auto server = serve(service_in(scratch), clerk_but([](add&&, reply_box<int>) {}));
  client desk("desk", client_in(scratch));
  CHECK(call(desk, add{1, 2}, long_time).error().code == command_errc::closed);
}

TEST_CASE("service: a late reply goes nowhere, and the next call gets its own") {
  const test::scratch scratch;
  keeper boxes;
  const auto server = serve(service_in(scratch), boxes.clerk());
  client desk("desk", client_in(scratch));
  const auto late = call(desk, add{1, 2}, 1ms);
  CHECK(late.error().code == command_errc::timed_out);
  CHECK(late.error().id.value() != 0);
  auto box = boxes.take();
  CHECK(call(desk, recall{}, 0ns).error().code == command_errc::timed_out);
  (void)reply_to(box, 3);
  CHECK(call(desk, recall{}, long_time).value() == 0);
  auto next = call_async(desk, add{3, 4});
  box = boxes.take();
  (void)reply_to(box, 7);
  CHECK(next.wait_for(long_time));
  CHECK(next.try_take()->value() == 7);
}

TEST_CASE("service: a call ends when a stop is asked for") {
  const test::scratch scratch;
  keeper boxes;
  const auto server = serve(service_in(scratch), boxes.clerk());
  client desk("desk", client_in(scratch));
  std::stop_source stop;
  std::optional<reply_box<int>> box;  // dropped afterwards
  const std::jthread stopper([&] {
    box.emplace(boxes.take());
    stop.request_stop();
  });
  CHECK(call(desk, add{1, 2}, long_time, stop.get_token()).error().code == command_errc::cancelled);
}

TEST_CASE("service: calls under way at the same time are answered in any order, by any thread") {
  const test::scratch scratch;
  keeper boxes;
  const auto server = serve(service_in(scratch), boxes.clerk());
  client desk("desk", client_in(scratch));
  std::vector<millrace::async_reply<int>> replies;
  std::vector<reply_box<int>> taken;
  for (int i = 0; i < 10; ++i) {
    replies.push_back(call_async(desk, add{i, 0}));
    taken.push_back(boxes.take());
  }
  for (int i = 9; i >= 0; --i) {
    CHECK_FALSE(replies[static_cast<std::size_t>(i)].ready());
    CHECK(reply_to(taken[static_cast<std::size_t>(i)], i) == millrace::reply_status::replied);
    CHECK(replies[static_cast<std::size_t>(i)].wait_for(long_time));
    CHECK(replies[static_cast<std::size_t>(i)].try_take()->value() == i);
  }
  // The server's thread gets to know of it; none of them would be delivered again.
  test::eventually([&] { return millrace::stat("desk", scratch.path()).in_hands == 0; });
}

TEST_CASE("service: call does without the listener, and with it") {
  const test::scratch scratch;
  keeper boxes;
  const auto server = serve(service_in(scratch), boxes.clerk());
  client desk("desk", client_in(scratch));
  auto open = call_async(desk, add{1, 2});
  for (int i = 0; i < 100; ++i) {
    CHECK(call(desk, recall{}, long_time).value() == 0);
  }
  auto box = boxes.take();
  (void)reply_to(box, 3);
  CHECK(open.wait_for(long_time));
  CHECK(call(desk, recall{}, long_time).value() == 0);
}

TEST_CASE("service: threads that share a client get their own replies") {
  const test::scratch scratch;
  const auto server = serve(service_in(scratch), clerk());
  client desk("desk", client_in(scratch));
  constexpr int count = 500;
  std::atomic<int> right = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < count; ++i) {
          if (t == 3) {
            auto reply = call_async(desk, add{t, i});
            right += reply.wait_for(long_time) && reply.try_take()->value() == t + i ? 1 : 0;
          } else {
            right += call(desk, add{t, i}, long_time).value() == t + i ? 1 : 0;
          }
        }
      });
    }
  }
  CHECK(right == 4 * count);
}

TEST_CASE("service: a call that one service delegates to another is answered by that") {
  const test::scratch scratch;
  const auto back_office = std::jthread([&](const std::stop_token& stop) {
    service office("office", service_in(scratch));
    office.serve(clerk_but([](add&& a, reply_box<int> reply) {
                   return a.b == 0 ? fail(reply, "not even here") : reply_to(reply, a.a * a.b);
                 }),
                 stop);
  });
  client office("office", client_in(scratch));
  const auto server =
      serve(service_in(scratch), clerk_but([&office](add&& a, reply_box<int> reply) {
              CHECK(delegate_call(reply, office, std::move(a)));
            }));
  client desk("desk", client_in(scratch));
  CHECK(call(desk, add{6, 7}, long_time).value() == 42);
  CHECK(call(desk, add{6, 0}, long_time).error().why == "not even here");
  CHECK(call(desk, recall{}, long_time).value() == 0);
}

TEST_CASE("service: a full queue refuses commands and gives them back") {
  const test::scratch scratch;
  auto small = service_in(scratch);
  small.capacity = 4096;  // 64 slots
  auto impatient = client_in(scratch);
  impatient.send_within = 1ms;
  service server("desk", small);
  std::optional<client> desk;
  {
    const std::jthread greeting([&](const std::stop_token& stop) { (void)server.receive(stop); });
    desk.emplace("desk", impatient);
  }
  int sent = 0;
  while (cast(*desk, store{sent})) {
    ++sent;
  }
  CHECK(sent > 10);
  join words{{"kept"}};
  CHECK(call(*desk, std::move(words), 1ms).error().code == command_errc::could_not_enqueue);
  CHECK(words.words == std::vector<std::string>{"kept"});
  auto refused = call_async(*desk, add{1, 2});
  CHECK(refused.try_take()->error().code == command_errc::could_not_enqueue);
  for (int i = 0; i < sent; ++i) {
    CHECK(server.receive_after(long_time));
  }
  CHECK(cast(*desk, store{0}));
}

TEST_CASE("service: what is too long for a queue is refused or fails, and says so") {
  const test::scratch scratch;
  auto narrow = client_in(scratch);
  narrow.capacity = 16'384;
  const auto server = serve(service_in(scratch), clerk());
  client desk("desk", narrow);
  const std::string word(6'000, 'x');
  CHECK(call(desk, join{{word}}, long_time).value() == word);
  const auto why = call(desk, join{{word, word}}, long_time).error().why;
  CHECK(why.find("12004 bytes") != std::string::npos);
  CHECK(why.find("takes, 8192") != std::string::npos);
  CHECK(call(desk, join{{std::string(600'000, 'x')}}, long_time).error().code ==
        command_errc::could_not_enqueue);
}

TEST_CASE("service: a second server is refused while there is one, and not afterwards") {
  const test::scratch scratch;
  std::optional<service> first(std::in_place, "desk", service_in(scratch));
  CHECK_ERROR(millrace::errc::role_taken, service("desk", service_in(scratch)));
  first.reset();
  const service second("desk", service_in(scratch));
}

TEST_CASE("service: without a server a client gives up connecting") {
  const test::scratch scratch;
  auto options = client_in(scratch);
  options.connect_within = 10ms;
  CHECK_ERROR(millrace::errc::not_found, client("desk", options));
  { const service there_once("desk", service_in(scratch)); }
  CHECK_ERROR(millrace::errc::not_found, client("desk", options));
  CHECK(scratch.entries() == std::vector<std::string>{"desk"});
}

TEST_CASE("service: a greeting that comes again closes no calls") {
  const test::scratch scratch;
  auto options = service_in(scratch);
  options.guarantee = millrace::delivery::at_most_once;
  { const service there_once("desk", options); }
  std::optional<client> desk;
  std::jthread connecting([&] { desk.emplace("desk", client_in(scratch)); });
  test::eventually([&] { return millrace::stat("desk", scratch.path()).depth == 1; });
  service server("desk", options);  // greets whom it finds
  connecting.join();
  auto reply = call_async(*desk, add{1, 2});
  handle(std::move(*server.receive_after(long_time)), clerk());  // and first who asks for that
  CHECK(reply.wait_for(long_time));
  CHECK(reply.try_take()->value() == 3);
}

TEST_CASE("service: a client's reply queue goes with it") {
  const test::scratch scratch;
  const auto server = serve(service_in(scratch), clerk());
  {
    client desk("desk", client_in(scratch));
    CHECK(scratch.entries().size() == 2);
    CHECK(call(desk, add{1, 2}, long_time).value() == 3);
  }
  CHECK(scratch.entries() == std::vector<std::string>{"desk"});
}

TEST_CASE("service: reply boxes may outlive their service and be used then") {
  const test::scratch scratch;
  for (const auto guarantee :
       {millrace::delivery::at_least_once, millrace::delivery::at_most_once}) {
    const bool once = guarantee == millrace::delivery::at_most_once;
    const std::string name = once ? "once" : "again";
    auto options = service_in(scratch);
    options.guarantee = guarantee;
    keeper boxes;
    std::jthread server([&](const std::stop_token& stop) {
      service desk(name, options);
      desk.serve(boxes.clerk(), stop);
    });
    client desk(name, client_in(scratch));
    auto reply = call_async(desk, add{1, 2});
    auto box = boxes.take();
    server = {};
    (void)reply_to(box, 4);
    if (!once) {
      service next(name, options);
      handle(std::move(*next.receive_after(long_time)), clerk());
      CHECK(next.redelivered());
      CHECK(reply.wait_for(long_time));
      CHECK(reply.try_take()->value() == 3);
    } else {
      CHECK(reply.wait_for(long_time));
      CHECK(reply.try_take()->error().code == command_errc::closed);
    }
  }
}

TEST_CASE("service: a call that another thread has answered is over when the service goes") {
  const test::scratch scratch;
  service server("desk", service_in(scratch));
  std::optional<client> desk;
  {
    const std::jthread greeting([&](const std::stop_token& stop) { (void)server.receive(stop); });
    desk.emplace("desk", client_in(scratch));
  }
  keeper boxes;
  auto reply = call_async(*desk, add{1, 2});
  auto handler = boxes.clerk();
  handle(std::move(*server.receive_after(long_time)), handler);
  std::thread([&] {
    auto box = boxes.take();
    (void)reply_to(box, 3);
  }).join();
  CHECK(reply.wait_for(long_time));
  { const service gone(std::move(server)); }
  service next("desk", service_in(scratch));
  CHECK_FALSE(next.receive_after(1ms));
}

TEST_CASE("service: calls under way when the queue is removed are closed") {
  const test::scratch scratch;
  keeper boxes;
  std::jthread server = serve(service_in(scratch), boxes.clerk());
  client desk("desk", client_in(scratch));
  auto reply = call_async(desk, add{1, 2});
  auto box = boxes.take();
  CHECK(millrace::remove("desk", scratch.path()));
  CHECK(reply.wait_for(long_time));
  CHECK(reply.try_take()->error().code == command_errc::closed);
}

/// Cannot be made while `refused`, by decoding say.
struct picky {
  static inline std::atomic<bool> refused = false;
  picky() {
    if (refused) {
      throw std::runtime_error("not today");
    }
  }
  int value = 0;
};
[[maybe_unused]] auto fields(picky& p) {
  return std::tie(p.value);
}
struct accept {
  picky content;
  using returns = millrace::returns<int>;
};
struct produce {
  int value;
  using returns = millrace::returns<std::optional<picky>>;
};

TEST_CASE("service: a value that cannot be made fails its call, and no other") {
  const test::scratch scratch;
  using api = millrace::protocol<accept, produce>;
  std::atomic<int> thrown = 0;
  const std::jthread server([&](const std::stop_token& stop) {
    millrace::service<api> desk("desk", service_in(scratch));
    const auto handler = millrace::overloaded{
        [](accept&& a, reply_box<int> reply) { return reply_to(reply, a.content.value); },
        [](produce&& p, reply_box<std::optional<picky>> reply) {
          std::optional<picky> made(std::in_place);
          made->value = p.value;
          picky::refused = p.value == 0;
          return reply_to(reply, std::move(made));
        }};
    while (!stop.stop_requested()) {
      try {
        desk.serve(handler, stop);
      } catch (const std::runtime_error&) {
        ++thrown;
      }
    }
  });
  millrace::client<api> desk("desk", client_in(scratch));
  accept first;
  picky::refused = true;
  CHECK(call(desk, first, long_time).error().why == "not today");
  test::eventually([&] { return thrown == 1; });
  picky::refused = false;
  CHECK(call(desk, first, long_time).value() == 0);

  for (const bool attended : {true, false}) {
    auto reply = call_async(desk, produce{1});
    CHECK(reply.wait_for(long_time));
    CHECK(reply.try_take()->value()->value == 1);
    if (attended) {
      CHECK(call(desk, produce{0}, long_time).error().why == "not today");
    } else {
      auto refused = call_async(desk, produce{0});
      CHECK(refused.wait_for(long_time));
      CHECK(refused.try_take()->error().why == "not today");
    }
    picky::refused = false;
    CHECK(call(desk, produce{2}, long_time).value()->value == 2);
  }
}

TEST_CASE("service: calls to a removed queue are refused, and its server ends") {
  const test::scratch scratch;
  std::jthread server = serve(service_in(scratch), clerk());
  client desk("desk", client_in(scratch));
  CHECK(millrace::remove("desk", scratch.path()));
  server.join();
  CHECK_FALSE(cast(desk, store{1}));
  CHECK(call(desk, add{1, 2}, long_time).error().code == command_errc::could_not_enqueue);
}

struct other_add {  // of the same shape
  int a;
  int b;
  using returns = millrace::returns<int>;
};

TEST_CASE("service: programs of different protocols refuse each other and say why") {
  const test::scratch scratch;
  const auto server = serve(service_in(scratch), clerk());
  const auto error = test::error_of([&] {
    const millrace::client<millrace::protocol<other_add>> wrong("desk", client_in(scratch));
  });
  REQUIRE(error.code == millrace::errc::protocol_mismatch);
  CHECK(error.says("queue 'desk'"));
  CHECK(error.says("expected the protocol [other_add{i32,i32}->i32]"));
  CHECK(error.says("found [add{i32,i32}->i32; join{[string]}->string; store{i32}; recall{}->i32; "
                   "clear{}->nothing]"));
  client right("desk", client_in(scratch));
  CHECK(call(right, add{1, 2}, long_time).value() == 3);
}

TEST_CASE("service: a client that is greeted before it has asked says what is wrong all the same") {
  const test::scratch scratch;
  auto small = service_in(scratch);
  small.capacity = 4096;  // 64 slots
  { const service there_once("desk", small); }
  millrace::publisher filler("desk", {.directory = scratch.path()});
  while (filler.try_enqueue("full") == millrace::status::ok) {
  }
  test::caught error;
  std::thread connecting([&] {
    error = test::error_of([&] {
      const millrace::client<millrace::protocol<other_add>> wrong("desk", client_in(scratch));
    });
  });
  test::eventually([&] { return scratch.entries().size() == 2; });
  const service server("desk", small);  // greets whom it finds, and receives nothing
  connecting.join();
  CHECK(error.code == millrace::errc::protocol_mismatch);
}

TEST_CASE("service: a client refuses a later server of another protocol, and takes the next") {
  const test::scratch scratch;
  std::jthread server = serve(service_in(scratch), clerk());
  client desk("desk", client_in(scratch));
  server = {};
  auto waiting = call_async(desk, add{1, 2});
  {
    using other = millrace::protocol<other_add>;
    millrace::service<other> wrong("desk", service_in(scratch));
    CHECK(waiting.wait_for(long_time));
    const auto error = waiting.try_take()->error();
    CHECK(error.code == command_errc::failed);
    CHECK(error.why.find("expected the protocol [add{i32,i32}") != std::string::npos);
    CHECK(error.why.find("found [other_add{i32,i32}->i32]") != std::string::npos);
    CHECK_FALSE(cast(desk, store{1}));
    CHECK(call(desk, add{1, 2}, long_time).error().code == command_errc::failed);
    CHECK_FALSE(wrong.receive_after(10ms));  // the command of the other protocol is not opened
  }
  server = serve(service_in(scratch), clerk());
  test::eventually([&] { return cast(desk, store{5}); });
  CHECK(call(desk, recall{}, long_time).value() == 5);
}

TEST_CASE("service: it is a box for handle_message") {
  const test::scratch scratch;
  service server("desk", service_in(scratch));
  std::jthread customer([&] {
    client desk("desk", client_in(scratch));
    CHECK(call(desk, add{1, 2}, long_time).value() == 3);
  });
  clerk serving;
  CHECK(handle_message(server, [&](auto&& m) { handle(std::move(m), serving); }));
}

}  // namespace
