// The broker: which callback gets what, and that nothing which one of them throws ends it.
#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <millrace/box/message_box.hpp>
#include <millrace/box/task.hpp>
#include <millrace/pool/broker.hpp>

#include "box/messages.hpp"
#include "box/run_loop.hpp"
#include "pool/reports.hpp"
#include "support/child.hpp"
#include "support/printing.hpp"

using namespace std::chrono_literals;
using millrace::message_box;
using test::lines;

namespace {

/// What these brokers receive: each says itself what is to happen with it.
struct request {
  enum class kind {
    initialize,
    dispatch,
    unreadable
  };
  kind what = kind::dispatch;
  int key = 0;
  std::optional<std::string> text = {};
};

request initialize(int key, std::optional<std::string> first = {}) {
  return {request::kind::initialize, key, std::move(first)};
}
request dispatch(int key, std::string text) {
  return {request::kind::dispatch, key, std::move(text)};
}
request unreadable() {
  return {request::kind::unreadable};
}

/// Resources are the texts that they were sent; every call is noted down.
struct record {
  lines calls;
  test::reports reports;
  bool cleaner_throws = false;
  std::atomic<int> handled = 0;

  template <class Key = int>
  [[nodiscard]] auto broker() {
    using to = millrace::routed<Key, std::string>;
    return millrace::broker(
        [](request&& r) {
          switch (r.what) {
          case request::kind::initialize:
            return to::initialize(Key{r.key}, std::move(r.text));
          case request::kind::dispatch:
            return to::dispatch(Key{r.key}, std::move(*r.text));
          case request::kind::unreadable:
            break;
          }
          throw std::runtime_error("unreadable");
        },
        [this](const Key& key, const std::string* first) {
          note("create", key, first != nullptr ? *first : "nothing");
          if (first != nullptr && *first == "no creation") {
            throw std::runtime_error("no creation");
          }
          return std::string("created");
        },
        [this](const Key& key, std::string&& text,
               std::string& resource) -> millrace::handled<std::string> {
          note("handle", key, resource + '+' + text);
          ++handled;
          if (text == "throw") {
            throw std::runtime_error("no handling");
          }
          if (text == "remove") {
            return millrace::remove_resource{};
          }
          if (text == "update") {
            return millrace::update_resource{std::string("updated")};
          }
          return millrace::keep_resource{};
        },
        [this](const Key& key, std::string& resource) {
          note("clean", key, resource);
          if (cleaner_throws) {
            throw std::runtime_error("no cleaning");
          }
        },
        reports.hook());
  }

  /// Has a broker receive these.
  template <class Key = int>
  void run(std::vector<request> requests) {
    message_box<request> box;
    {
      auto in = box.new_input();
      for (auto& r : requests) {
        CHECK(in.deliver(std::move(r)));
      }
    }
    broker<Key>().run(box);
  }

 private:
  template <class Key>
  void note(const char* what, const Key& key, const std::string& with) {
    if constexpr (std::same_as<Key, int>) {
      calls.push_back(what + (' ' + std::to_string(key)) + ' ' + with);
    } else {
      calls.push_back(what + (' ' + std::to_string(key.number)) + ' ' + with);
    }
  }
};

/// A key that can only be ordered.
struct ordered {
  int number;
  friend bool operator<(const ordered& a, const ordered& b) { return a.number < b.number; }
};
/// A key that can only be hashed.
struct hashed {
  int number;
  friend bool operator==(const hashed&, const hashed&) = default;
};
/// One whose hash throws at one of the coming calls, counted from 1; 0: at none.
struct unsure {
  int number;
  static inline int throws_at = 0;
  friend bool operator==(const unsure&, const unsure&) = default;
};

}  // namespace

template <>
struct std::hash<hashed> {
  std::size_t operator()(const hashed& key) const noexcept {
    return static_cast<std::size_t>(key.number) % 2;  // collisions
  }
};
template <>
struct std::hash<unsure> {
  std::size_t operator()(const unsure& key) const {
    if (unsure::throws_at > 0 && --unsure::throws_at == 0) {
      throw std::runtime_error("no hash");
    }
    return static_cast<std::size_t>(key.number);
  }
};

TEST_CASE("each key has a resource of its own, which gets its messages in their order") {
  record r;
  r.run({initialize(1), initialize(2), dispatch(1, "a"), dispatch(2, "b"), dispatch(1, "c")});
  CHECK(r.reports.all().empty());
  std::ranges::sort(r.calls.begin() + 5, r.calls.end());
  CHECK(r.calls == lines{"create 1 nothing", "create 2 nothing", "handle 1 created+a",
                         "handle 2 created+b", "handle 1 created+c", "clean 1 created",
                         "clean 2 created"});
}

TEST_CASE("a message that comes with a new key is shown to the creator, then handled") {
  record r;
  r.run({initialize(1, "first"), dispatch(1, "second")});
  CHECK(r.calls == lines{"create 1 first", "handle 1 created+first", "handle 1 created+second",
                         "clean 1 created"});
}

TEST_CASE("keys may be hashed or ordered") {
  const std::vector<request> requests = {initialize(1),         initialize(3),    initialize(1),
                                         dispatch(3, "remove"), dispatch(3, "a"), dispatch(1, "b")};
  const lines calls = {"create 1 nothing", "create 3 nothing",   "handle 3 created+remove",
                       "clean 3 created",  "handle 1 created+b", "clean 1 created"};
  const lines reported = {"key_exists 1", "unknown_key 3"};
  record by_hash;
  by_hash.run<hashed>(requests);
  CHECK(by_hash.calls == calls);
  CHECK(by_hash.reports.all() == reported);
  record by_order;
  by_order.run<ordered>(requests);
  CHECK(by_order.calls == calls);
  CHECK(by_order.reports.all() == reported);
}

TEST_CASE("a key that is initialized again keeps its resource") {
  record r;
  r.run({initialize(1), dispatch(1, "update"), initialize(1, "ignored"), dispatch(1, "a")});
  CHECK(r.calls == lines{"create 1 nothing", "handle 1 created+update", "handle 1 updated+a",
                         "clean 1 updated"});
  CHECK(r.reports.all() == lines{"key_exists 1"});
}

TEST_CASE("a message to an unknown key is dropped") {
  record r;
  r.run({dispatch(1, "a"), initialize(2), dispatch(1, "b")});
  CHECK(r.calls == lines{"create 2 nothing", "clean 2 created"});
  CHECK(r.reports.all() == lines{"unknown_key 1", "unknown_key 1"});
}

TEST_CASE("an updated resource takes the old one's place, which is not cleaned up") {
  record r;
  r.run({initialize(1), dispatch(1, "update"), dispatch(1, "a")});
  CHECK(r.calls == lines{"create 1 nothing", "handle 1 created+update", "handle 1 updated+a",
                         "clean 1 updated"});
}

TEST_CASE("a removed resource is cleaned up at once, once, and its key is free") {
  record r;
  r.run({initialize(1), dispatch(1, "remove"), dispatch(1, "a"), initialize(1, "b")});
  CHECK(r.calls == lines{"create 1 nothing", "handle 1 created+remove", "clean 1 created",
                         "create 1 b", "handle 1 created+b", "clean 1 created"});
  CHECK(r.reports.all() == lines{"unknown_key 1"});
}

TEST_CASE("what the demultiplexer throws on costs that message") {
  record r;
  r.run({initialize(1), unreadable(), dispatch(1, "a")});
  CHECK(r.calls == lines{"create 1 nothing", "handle 1 created+a", "clean 1 created"});
  CHECK(r.reports.all() == lines{"demultiplexer_threw: unreadable"});
}

TEST_CASE("a creator that throws leaves no resource, nothing to clean up, and the key free") {
  record r;
  r.run({initialize(1, "no creation"), dispatch(1, "a"), initialize(1)});
  CHECK(r.calls == lines{"create 1 no creation", "create 1 nothing", "clean 1 created"});
  CHECK(r.reports.all() == lines{"creator_threw 1: no creation", "unknown_key 1"});
}

TEST_CASE("a handler that throws costs its resource, which is cleaned up once") {
  record r;
  SUBCASE("at a message") {
    r.run({initialize(1), initialize(2), dispatch(1, "throw"), dispatch(1, "a"), dispatch(2, "b")});
    CHECK(r.calls == lines{"create 1 nothing", "create 2 nothing", "handle 1 created+throw",
                           "clean 1 created", "handle 2 created+b", "clean 2 created"});
  }
  SUBCASE("at the message that came with the key") {
    r.run({initialize(1, "throw"), dispatch(1, "a")});
    CHECK(r.calls == lines{"create 1 throw", "handle 1 created+throw", "clean 1 created"});
  }
  CHECK(r.reports.all() == lines{"handler_threw 1: no handling", "unknown_key 1"});
}

TEST_CASE("a cleaner that throws keeps no resource alive, and is called for all others") {
  record r;
  r.cleaner_throws = true;
  r.run({initialize(1), dispatch(1, "remove"), dispatch(1, "a"), initialize(2), initialize(3)});
  std::ranges::sort(r.calls);
  CHECK(r.calls == lines{"clean 1 created", "clean 2 created", "clean 3 created",
                         "create 1 nothing", "create 2 nothing", "create 3 nothing",
                         "handle 1 created+remove"});
  auto reported = r.reports.all();
  std::ranges::sort(reported);
  CHECK(reported == lines{"cleaner_threw 1: no cleaning", "cleaner_threw 2: no cleaning",
                          "cleaner_threw 3: no cleaning", "unknown_key 1"});
}

TEST_CASE("a hook that throws, and the lack of one, change nothing") {
  using to = millrace::routed<int, int>;
  const auto count_messages = [](auto... hook) {
    int handled = 0;
    message_box<int> box;
    {
      auto in = box.new_input();
      for (const int m : {-1, 1, 1, 1, -1}) {
        in.deliver(int(m));
      }
    }
    millrace::broker([](int&& m) { return m < 0 ? to::initialize(1) : to::dispatch(1, m); },
                     [](int, const int*) { return 0; },
                     [&](int, int, int&) {
                       ++handled;
                       return millrace::keep_resource{};
                     },
                     [](int, int&) { throw std::runtime_error("no cleaning"); }, hook...)
        .run(box);
    return handled;
  };
  CHECK(count_messages() == 3);
  CHECK(count_messages([](const auto&) { throw std::runtime_error("no report"); }) == 3);
}

TEST_CASE("resources that can only be moved, and messages that cannot be copied, are fine") {
  using to = millrace::routed<int, std::unique_ptr<int>>;
  int sum = 0;
  message_box<std::unique_ptr<int>> box;
  {
    auto in = box.new_input();
    for (const int m : {1, 2, 3}) {
      in.deliver(std::make_unique<int>(m));
    }
  }
  millrace::broker(
      [](std::unique_ptr<int>&& m) {
        const int n = *m;
        return n == 1 ? to::initialize(7, std::move(m)) : to::dispatch(7, std::move(m));
      },
      [](int, const std::unique_ptr<int>*) { return std::make_unique<int>(0); },
      [](int, std::unique_ptr<int>&& m, std::unique_ptr<int>& kept) {
        *kept += *m;
        return millrace::keep_resource{};
      },
      [&](int, std::unique_ptr<int>& kept) { sum += *kept; })
      .run(box);
  CHECK(sum == 6);
}

TEST_CASE("where no place for a resource can be made, none is created, or else it is cleaned up") {
  using to = millrace::routed<unsure, int>;
  for (int call = 1; call <= 4; ++call) {
    message_box<int> box;
    CHECK(box.new_input().deliver(1));
    int created = 0;
    int cleaned = 0;
    int empty = 0;
    millrace::broker broker(
        [](int&& m) { return to::initialize({m}); },
        [&](const unsure&, const int*) {
          ++created;
          return std::make_unique<int>(1);
        },
        [](const unsure&, int&&, std::unique_ptr<int>&) {
          return millrace::handled<std::unique_ptr<int>>();
        },
        [&](const unsure&, const std::unique_ptr<int>& kept) { ++(kept ? cleaned : empty); });
    unsure::throws_at = call;
    try {
      broker.run(box);
    } catch (const std::runtime_error&) {
    }
    unsure::throws_at = 0;
    CHECK(cleaned == created);
    CHECK(empty == 0);
  }
}

TEST_CASE("a message whose move out of the box throws is reported, and the next one received") {
  using to = millrace::routed<int, int>;
  test::reports reports;
  int handled = 0;
  message_box<test::fragile> box;
  {
    auto in = box.new_input();
    in.deliver(test::fragile(1, 100));
    in.deliver(test::fragile(2, 1));  // survives the move into the box
    in.deliver(test::fragile(3, 100));
  }
  millrace::broker([](test::fragile&& m) { return to::initialize(m.value, m.value); },
                   [](int, const int*) { return 0; },
                   [&](int, int, int&) {
                     ++handled;
                     return millrace::keep_resource{};
                   },
                   [](int, int&) {}, reports.hook())
      .run(box);
  CHECK(handled == 2);
  CHECK(reports.all() == lines{"receiving_threw: fragile"});
}

TEST_CASE("a stop cleans up all resources, whatever is still in the box") {
  record r;
  message_box<request> box;
  auto in = box.new_input();
  std::stop_source stop;
  SUBCASE("of a broker that waits") {
    std::jthread runner([&] { r.broker().run(box, stop.get_token()); });
    in.deliver(initialize(1));
    in.deliver(dispatch(1, "a"));
    test::eventually([&] { return r.handled == 1; });
    std::this_thread::sleep_for(10ms);
    stop.request_stop();
  }
  SUBCASE("of a broker that never gets to wait") {
    std::jthread runner([&] { r.broker().run(box, stop.get_token()); });
    in.deliver(initialize(1));
    in.deliver(dispatch(1, "a"));
    std::jthread sender([in](const std::stop_token& enough) mutable {
      while (!enough.stop_requested()) {
        in.deliver(unreadable());
      }
    });
    test::eventually([&] { return r.handled == 1; });
    std::this_thread::sleep_for(5ms);
    stop.request_stop();
    runner.join();
    CHECK(in.deliver(unreadable()));
  }
  CHECK(r.calls == lines{"create 1 nothing", "handle 1 created+a", "clean 1 created"});
}

TEST_CASE("the end of a policy's time to receive does not end a broker") {
  using to = millrace::routed<int, int>;
  message_box<int, millrace::waiting> box(
      {.limit = 4, .deliver_within = 1s, .receive_within = 1ms});
  std::optional in(box.new_input());
  std::atomic<int> handled = 0;
  std::jthread runner([&] {
    millrace::broker([](int&& m) { return to::initialize(m, m); },
                     [](int, const int*) { return 0; },
                     [&](int, int, int&) {
                       ++handled;
                       return millrace::keep_resource{};
                     },
                     [](int, int&) {})
        .run(box);
  });
  std::this_thread::sleep_for(20ms);
  CHECK(in->deliver(1));
  in.reset();
  runner.join();
  CHECK(handled == 1);
}

TEST_CASE("as a coroutine a broker does the same, and cleans up at its end") {
  test::run_loop loop;
  const millrace::scheduler here = loop.executor();
  record r;
  auto broker = r.broker();
  message_box<request> box;
  std::optional in(box.new_input());
  std::stop_source stop;
  {
    millrace::task_group group(here);
    group.spawn(broker.run(box.on(here), stop.get_token()));
    for (auto& m : {initialize(1), dispatch(1, "a"), unreadable(), dispatch(2, "b")}) {
      in->deliver(request(m));
    }
    loop.run();
    CHECK(r.calls == lines{"create 1 nothing", "handle 1 created+a"});
    CHECK(r.reports.all() == lines{"demultiplexer_threw: unreadable", "unknown_key 2"});
    SUBCASE("by a stop, whatever is still in the box") {
      in->deliver(dispatch(1, "c"));  // wakes it, and is received
      in->deliver(dispatch(1, "d"));
      stop.request_stop();
      loop.run();
      CHECK(r.calls == lines{"create 1 nothing", "handle 1 created+a", "handle 1 created+c",
                             "clean 1 created"});
    }
    SUBCASE("by the last input") {
      in.reset();
      loop.run();
      CHECK(r.calls == lines{"create 1 nothing", "handle 1 created+a", "clean 1 created"});
    }
  }
}

TEST_CASE("a broker's coroutine that is destroyed while it waits cleans up") {
  record r;
  auto broker = r.broker();
  message_box<request> box;
  auto in = box.new_input();
  in.deliver(initialize(1));
  test::run_loop loop;
  const millrace::scheduler here = loop.executor();
  struct by_hand {
    struct promise_type {
      by_hand get_return_object() {
        return {std::coroutine_handle<promise_type>::from_promise(*this)};
      }
      static std::suspend_never initial_suspend() noexcept { return {}; }
      static std::suspend_always final_suspend() noexcept { return {}; }
      static void return_void() {}
      static void unhandled_exception() { std::terminate(); }
    };
    std::coroutine_handle<> handle;
  };
  const auto run = [](millrace::task<> work) -> by_hand { co_await work; };
  const auto running = run(broker.run(box.on(here)));
  CHECK(r.calls == lines{"create 1 nothing"});
  running.handle.destroy();
  CHECK(r.calls == lines{"create 1 nothing", "clean 1 created"});
}
