// What casts and calls do, from one thread to another or within one.
#include <chrono>
#include <optional>
#include <set>
#include <stdexcept>
#include <stop_token>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "box/printing.hpp"
#include "box/shop.hpp"

using namespace std::chrono_literals;
using millrace::command_errc;
using millrace::reply_box;
using millrace::reply_status;
using shop::buy;
using shop::clerk_but;
using shop::donate;
using shop::fetch;
using shop::sweep;

namespace {

constexpr auto long_time = 1h;  // the watchdog is quicker

TEST_CASE("cast: the handler gets the command, with all that is in it") {
  shop::box<> store;
  auto in = store.new_input();
  CHECK(cast(in, shop::book("Emma")));
  std::string got;
  shop::serve_one(store, clerk_but([&](donate&& d) { got = *d.title; }));
  CHECK(got == "Emma");
}

TEST_CASE("cast: what many donors give ends up in the store, in each one's order") {
  constexpr int donors = 8;
  constexpr int each = 500;
  std::vector<int> next(donors);
  int in_order = 0;
  auto count = clerk_but([&](donate&& d) {
    const auto dash = d.title->find('-');
    auto& expected = next[std::stoul(d.title->substr(0, dash))];
    in_order += std::stoi(d.title->substr(dash + 1)) == expected++ ? 1 : 0;
  });
  {
    shop::box<millrace::blocking> store({.limit = 3});
    std::vector<std::jthread> giving;
    for (int i = 0; i < donors; ++i) {
      giving.emplace_back([in = store.new_input(), i]() mutable {
        for (int k = 0; k < each; ++k) {
          if (!cast(in, shop::book(std::to_string(i) + "-" + std::to_string(k)))) {
            return;
          }
        }
      });
    }
    for (auto& message : store) {
      handle(std::move(message), count);
    }
  }
  CHECK(in_order == donors * each);
}

TEST_CASE("cast: what is not delivered is given back, and a copy is left alone") {
  shop::box<millrace::non_blocking> store({.limit = 1});
  auto in = store.new_input();
  CHECK(cast(in, shop::book("Emma")));
  donate second = shop::book("Persuasion");
  CHECK_FALSE(cast(in, std::move(second)));
  REQUIRE(second.title != nullptr);
  CHECK(*second.title == "Persuasion");
}

TEST_CASE("call: returns what the handler replies, also what can only be moved, or nothing") {
  shop::box<> store;
  shop::clerk clerk;
  auto in = store.new_input();
  const auto serving = shop::serve(store, clerk);

  const auto bought = call(in, buy{"Emma"}, long_time);
  REQUIRE(bought);
  CHECK(*bought);

  auto fetched = call(in, fetch{"Emma"}, long_time);
  REQUIRE(fetched);
  CHECK(**fetched == "Emma");

  CHECK(call(in, sweep{}, long_time));
  store.close();
}

TEST_CASE("call: a failure comes with the reason and the number of the call") {
  shop::box<> store;
  auto in = store.new_input();
  millrace::call_id handled;
  auto refuse = clerk_but([&](buy&&, reply_box<bool> reply) {
    handled = reply.id();
    return fail(reply, "not for sale");
  });
  const auto serving = shop::serve(store, refuse);
  const auto bought = call(in, buy{"Emma"}, long_time);
  REQUIRE_FALSE(bought);
  CHECK(bought.error().code == command_errc::failed);
  CHECK(bought.error().why == "not for sale");
  CHECK(bought.error().id == handled);
  CHECK(handled != millrace::call_id());
  store.close();
}

TEST_CASE("call: each has a number of its own, however it ends") {
  shop::box<> store;
  auto in = store.new_input();
  std::set<std::uint64_t> numbers;
  for (int i = 0; i < 100; ++i) {
    auto reply = call_async(in, buy{"Emma"});
    numbers.insert(reply.id().value());
    shop::serve_one(store, shop::clerk());
    numbers.insert(call(in, buy{"Emma"}, 0s).error().id.value());
    shop::serve_one(store, shop::clerk());
  }
  CHECK(numbers.size() == 200);
}

TEST_CASE("call: no room in the box is could_not_enqueue, and the command is given back") {
  shop::box<millrace::non_blocking> store({.limit = 1});
  auto in = store.new_input();
  REQUIRE(cast(in, shop::book("Emma")));
  buy order{"a title that is too long to lie within the string"};
  const auto bought = call(in, std::move(order), long_time);
  REQUIRE_FALSE(bought);
  CHECK(bought.error().code == command_errc::could_not_enqueue);
  CHECK(bought.error().id != millrace::call_id());
  CHECK(order.title == "a title that is too long to lie within the string");
}

TEST_CASE("call: its time also ends a wait for room") {
  shop::box<millrace::blocking> store({.limit = 1});
  auto in = store.new_input();
  REQUIRE(cast(in, shop::book("Emma")));
  const auto bought = call(in, buy{"Emma"}, 20ms);
  REQUIRE_FALSE(bought);
  CHECK(bought.error().code == command_errc::could_not_enqueue);
}

TEST_CASE("call: a closed box is could_not_enqueue") {
  shop::box<> store;
  auto in = store.new_input();
  store.close();
  const auto bought = call(in, buy{"Emma"}, long_time);
  REQUIRE_FALSE(bought);
  CHECK(bought.error().code == command_errc::could_not_enqueue);
}

TEST_CASE("call: times out, and a later reply is told so and does no harm") {
  shop::box<> store;
  auto in = store.new_input();
  const auto fetched = call(in, fetch{"Emma"}, 5ms);
  REQUIRE_FALSE(fetched);
  CHECK(fetched.error().code == command_errc::timed_out);
  std::optional<reply_status> told;
  millrace::call_id handled;
  shop::serve_one(store, clerk_but([&](fetch&& f, reply_box<std::unique_ptr<std::string>> reply) {
                    handled = reply.id();
                    told = reply_to(reply, std::make_unique<std::string>(f.title));
                  }));
  CHECK(told == reply_status::abandoned);
  CHECK(fetched.error().id == handled);
}

TEST_CASE("call: without any time asks only whether the reply is there") {
  shop::box<> store;
  auto in = store.new_input();
  const auto bought = call(in, buy{"Emma"}, 0s);
  REQUIRE_FALSE(bought);
  CHECK(bought.error().code == command_errc::timed_out);
}

TEST_CASE("call: ends when a stop is asked for, before or while it waits") {
  shop::box<> store;
  auto in = store.new_input();
  std::stop_source stop;
  const std::jthread stopper([&] {
    std::this_thread::sleep_for(20ms);
    stop.request_stop();
  });
  for (int i = 0; i < 2; ++i) {
    const auto bought = call(in, buy{"Emma"}, long_time, stop.get_token());
    REQUIRE_FALSE(bought);
    CHECK(bought.error().code == command_errc::cancelled);
  }
}

TEST_CASE("reply_to: a second reply is a duplicate, and the first one stands") {
  shop::box<> store;
  auto in = store.new_input();
  auto reply = call_async(in, buy{"Emma"});
  shop::serve_one(store, clerk_but([&](buy&&, reply_box<bool> box) {
                    CHECK(reply_to(box, true) == reply_status::replied);
                    CHECK(reply_to(box, false) == reply_status::duplicate_reply);
                    CHECK(fail(box, "too late") == reply_status::duplicate_reply);
                    CHECK(box.id() == millrace::call_id());
                  }));
  const auto bought = reply.try_take();
  REQUIRE(bought);
  REQUIRE(*bought);
  CHECK(**bought);
}

TEST_CASE("reply_to: a box that was moved from has nothing to answer, its new place has") {
  shop::box<> store;
  auto in = store.new_input();
  auto reply = call_async(in, buy{"Emma"});
  std::optional<reply_box<bool>> kept;
  shop::serve_one(store, clerk_but([&](buy&&, reply_box<bool> box) {
                    kept.emplace(std::move(box));
                    CHECK(reply_to(box, false) == reply_status::duplicate_reply);
                  }));
  CHECK_FALSE(reply.ready());
  CHECK(reply_to(*kept, true) == reply_status::replied);
  CHECK(reply.ready());
}

TEST_CASE("reply_box: one that is dropped, or assigned to, ends its call at once") {
  shop::box<> store;
  auto in = store.new_input();
  std::optional<reply_box<bool>> kept;
  auto keep = clerk_but([&](buy&&, reply_box<bool> box) { kept = std::move(box); });
  auto first = call_async(in, buy{"Emma"});
  auto second = call_async(in, buy{"Persuasion"});
  shop::serve_one(store, keep);
  CHECK_FALSE(first.ready());
  shop::serve_one(store, keep);
  const auto bought = first.try_take().value();
  CHECK(bought.error().code == command_errc::closed);
  CHECK(bought.error().id == first.id());
  CHECK_FALSE(second.ready());
  kept.reset();
  CHECK(second.try_take().value().error().code == command_errc::closed);
}

TEST_CASE("reply_box: a thread that waits for one that is dropped does not wait on") {
  shop::box<> store;
  auto in = store.new_input();
  auto ignore = clerk_but([](buy&&, reply_box<bool>) { std::this_thread::sleep_for(5ms); });
  const auto serving = shop::serve(store, ignore);
  const auto bought = call(in, buy{"Emma"}, long_time);
  REQUIRE_FALSE(bought);
  CHECK(bought.error().code == command_errc::closed);
  store.close();
}

TEST_CASE("call: one that lies in a box which goes away ends at once") {
  std::optional<shop::box<>> store(std::in_place);
  auto in = store->new_input();
  auto reply = call_async(in, buy{"Emma"});
  store.reset();
  CHECK(reply.try_take().value().error().code == command_errc::closed);
}

TEST_CASE("handle: an exception fails the call and passes on") {
  shop::box<> store;
  auto in = store.new_input();
  auto by_reference = call_async(in, buy{"Emma"});
  auto by_value = call_async(in, buy{"Emma"});
  auto of_no_class = call_async(in, buy{"Emma"});
  CHECK_THROWS_AS(shop::serve_one(store, clerk_but([](buy&&, reply_box<bool>&&) {
                                    throw std::runtime_error("the till is stuck");
                                  })),
                  std::runtime_error);
  CHECK_THROWS_AS(shop::serve_one(store, clerk_but([](buy&&, reply_box<bool>) {
                                    throw std::runtime_error("the till is stuck");
                                  })),
                  std::runtime_error);
  CHECK_THROWS_AS(shop::serve_one(store, clerk_but([](buy&&, reply_box<bool>&&) { throw 3; })),
                  int);
  const auto first = by_reference.try_take().value();
  REQUIRE_FALSE(first);
  CHECK(first.error().code == command_errc::failed);
  CHECK(first.error().why == "the till is stuck");
  CHECK(by_value.try_take().value().error().code == command_errc::failed);
  CHECK(of_no_class.try_take().value().error().code == command_errc::failed);
}

TEST_CASE("handle: an exception after the reply leaves the reply as it is") {
  shop::box<> store;
  auto in = store.new_input();
  auto reply = call_async(in, buy{"Emma"});
  CHECK_THROWS(shop::serve_one(store, clerk_but([](buy&&, reply_box<bool>&& box) {
                                 static_cast<void>(reply_to(box, true));
                                 throw std::runtime_error("too late");
                               })));
  CHECK(reply.try_take().value());
}

TEST_CASE("handle: returns what the functions return") {
  shop::box<> store;
  auto in = store.new_input();
  REQUIRE(cast(in, shop::book("Emma")));
  auto message = store.try_receive();
  REQUIRE(message);
  int books = 41;
  CHECK(handle(std::move(*message), [&](auto&&...) { return books + 1; }) == 42);
}

TEST_CASE("delegate_call: goes from box to box, and the last one's reply is the caller's") {
  constexpr std::size_t branches = 5;
  std::vector<shop::box<>> stores(branches);
  auto in = stores[0].new_input();
  auto reply = call_async(in, buy{"Emma"});
  std::vector<millrace::call_id> ids;
  for (std::size_t i = 0; i + 1 < branches; ++i) {
    shop::serve_one(stores[i], clerk_but([&](buy&& b, reply_box<bool> box) {
                      ids.push_back(box.id());
                      auto next = stores[i + 1].new_input();
                      CHECK(delegate_call(box, next, std::move(b)));
                      CHECK(reply_to(box, false) == reply_status::duplicate_reply);
                    }));
    CHECK_FALSE(reply.ready());
  }
  shop::serve_one(stores.back(), clerk_but([&](buy&& b, reply_box<bool> box) {
                    CHECK(b.title == "Emma");
                    ids.push_back(box.id());
                    return reply_to(box, true);
                  }));
  CHECK(reply.try_take().value().value());
  CHECK(ids == std::vector(branches, reply.id()));
}

TEST_CASE("delegate_call: to a box that takes it not leaves the call and the command here") {
  shop::box<> store;
  auto in = store.new_input();
  shop::box<> closed;
  auto branch = closed.new_input();
  closed.close();
  auto reply = call_async(in, buy{"Emma"});
  shop::serve_one(store, clerk_but([&](buy&& b, reply_box<bool> box) {
                    CHECK_FALSE(delegate_call(box, branch, std::move(b)));
                    CHECK(b.title == "Emma");
                    CHECK(reply_to(box, true) == reply_status::replied);
                  }));
  CHECK(reply.try_take().value().value());
}

TEST_CASE("async_reply: is ready when replied to, and taken once") {
  shop::box<> store;
  auto in = store.new_input();
  auto reply = call_async(in, buy{"Emma"});
  CHECK_FALSE(reply.ready());
  CHECK_FALSE(reply.try_take());
  CHECK_FALSE(reply.wait_for(1ms));
  shop::serve_one(store, shop::clerk());
  CHECK(reply.ready());
  CHECK(reply.wait_for(0s));
  CHECK(reply.try_take().value().value());
  CHECK_FALSE(reply.ready());
  CHECK_FALSE(reply.try_take());
  CHECK_FALSE(reply.wait_for(long_time));
}

TEST_CASE("async_reply: one that could not be sent is ready, and taken once") {
  shop::box<> store;
  auto in = store.new_input();
  store.close();
  auto reply = call_async(in, buy{"Emma"});
  CHECK(reply.ready());
  CHECK(reply.wait_for(long_time));
  const auto bought = reply.try_take().value();
  CHECK(bought.error().code == command_errc::could_not_enqueue);
  CHECK(bought.error().id == reply.id());
  CHECK_FALSE(reply.ready());
}

TEST_CASE("async_reply: take_or_give_up takes what has come, else the reply is told so") {
  shop::box<> store;
  auto in = store.new_input();
  auto first = call_async(in, buy{"Emma"});
  auto second = call_async(in, buy{"Persuasion"});
  shop::serve_one(store, shop::clerk());
  CHECK(first.take_or_give_up(command_errc::timed_out).value());
  const auto bought = second.take_or_give_up(command_errc::cancelled);
  CHECK(bought.error().code == command_errc::cancelled);
  CHECK(bought.error().id == second.id());
  CHECK_FALSE(second.ready());
  shop::serve_one(store, clerk_but([](buy&&, reply_box<bool> box) {
                    CHECK(reply_to(box, true) == reply_status::abandoned);
                  }));
}

TEST_CASE("async_reply: dropped, the reply is told so") {
  shop::box<> store;
  auto in = store.new_input();
  { auto reply = call_async(in, buy{"Emma"}); }
  auto assigned = call_async(in, buy{"Persuasion"});
  assigned = call_async(in, buy{"Sanditon"});
  std::vector<reply_status> told;
  auto serve = clerk_but([&](buy&&, reply_box<bool> box) { told.push_back(reply_to(box, true)); });
  for (int i = 0; i < 3; ++i) {
    shop::serve_one(store, serve);
  }
  CHECK(told ==
        std::vector{reply_status::abandoned, reply_status::abandoned, reply_status::replied});
  CHECK(assigned.try_take().value().value());
}

// A type of somebody else's, as a command.
struct foreign {
  int number;
};

}  // namespace

template <>
struct millrace::command_traits<foreign> {
  using returns = millrace::returns<int>;
};

namespace {

TEST_CASE("protocol: takes types that know nothing of it, and handlers by const reference") {
  struct local {
    using returns = millrace::fire_and_forget;
  };
  using api = millrace::protocol<foreign, local>;
  millrace::message_box<api::message> box;
  auto in = box.new_input();
  auto reply = call_async(in, foreign{20});
  REQUIRE(cast(in, local{}));
  int locals = 0;
  const auto handler = millrace::overloaded{
      [](const foreign& f, reply_box<int> r) { return reply_to(r, f.number + 1); },
      [&locals](const local&) { ++locals; }};
  for (int i = 0; i < 2; ++i) {
    handle(std::move(box.try_receive().value()), handler);
  }
  CHECK(reply.try_take().value().value() == 21);
  CHECK(locals == 1);
}

}  // namespace
