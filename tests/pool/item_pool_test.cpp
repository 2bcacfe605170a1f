// What an item pool answers.
#include <algorithm>
#include <atomic>
#include <latch>
#include <map>
#include <memory>
#include <ranges>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include <doctest/doctest.h>

#include <millrace/pool/id_provider.hpp>
#include <millrace/pool/item_pool.hpp>

#include "pool/items.hpp"
#include "samples/item_pool/user_session.hpp"

using millrace::item_id;
using millrace::item_pool;
using millrace::item_status;
using test::add;
using test::add_own;
using test::counter;
using test::reset;
using test::total;

TEST_CASE("an item is made, asked, removed, and then unknown") {
  item_pool<counter> pool(2);
  CHECK(pool.thread_count() == 2);
  CHECK(pool.init(7, 100).ok());
  CHECK(counter::alive == 1);
  auto r = pool.send_and_receive_once(add(7, 3));
  CHECK(r.id() == 7);
  CHECK(r.status() == item_status::ok);
  CHECK(r.value() == 103);
  CHECK(pool.send_and_receive_once(reset(7)).ok());
  CHECK(pool.send_and_receive_once(total(7)).value() == 0);
  CHECK(pool.remove(7));
  CHECK(counter::alive == 0);
  CHECK_FALSE(pool.remove(7));
  CHECK(pool.send_and_receive_once(total(7)).status() == item_status::unknown_id);
}

TEST_CASE("a batch is answered in full, every item's requests in their order") {
  for (const std::size_t threads : {1u, 2u, 5u}) {
    CAPTURE(threads);
    item_pool<counter> pool(threads);
    constexpr item_id items = 23;
    std::vector<millrace::init_request<int>> births;
    for (item_id id = 0; id < items; ++id) {
      births.emplace_back(id, static_cast<int>(1000 * id));
    }
    item_id made = 0;
    for (auto& r : pool.send_and_receive(births)) {
      made += r.ok() ? 1u : 0u;
    }
    CHECK(made == items);
    std::vector<add> requests;
    for (int round = 1; round <= 40; ++round) {
      for (item_id id = 0; id < items; ++id) {
        requests.emplace_back(id, round);
      }
    }
    std::map<item_id, int> answers;
    for (auto& r : pool.send_and_receive(requests)) {
      const int n = ++answers[r.id()];
      REQUIRE(r.value() == static_cast<int>(1000 * r.id()) + n * (n + 1) / 2);
    }
    CHECK(answers.size() == items);
    CHECK(std::ranges::all_of(answers, [](auto& each) { return each.second == 40; }));
  }
}

TEST_CASE("in order means the order of the requests, whichever thread is faster") {
  item_pool<counter> pool(3);
  for (item_id id = 0; id < 10; ++id) {
    CHECK(pool.init(id, 0).ok());
  }
  std::atomic<bool> go_on = false;
  pool.send(test::wait_for(0, &go_on));
  std::vector<add> requests;
  for (item_id i = 0; i < 1000; ++i) {
    requests.emplace_back((i * 7 + i / 3) % 10, 1);
  }
  auto responses = pool.send_and_receive_in_order(requests);
  go_on = true;
  std::size_t i = 0;
  for (auto& r : responses) {
    REQUIRE(r.id() == requests[i++].id);
  }
  CHECK(i == requests.size());
}

TEST_CASE("responses come as they are ready: a thread that is busy delays its own only") {
  item_pool<counter> pool(2);
  CHECK(pool.init(0, 0).ok());
  CHECK(pool.init(1, 0).ok());
  std::atomic<bool> go_on = false;
  pool.send(test::wait_for(0, &go_on));
  std::vector<item_id> order;
  for (auto& r : pool.send_and_receive(std::vector{add(0, 1), add(1, 1), add(1, 1)})) {
    order.push_back(r.id());
    go_on = order.size() == 2;
  }
  CHECK(order == std::vector<item_id>{1, 1, 0});
}

TEST_CASE("a mixed batch of all that an item can be asked") {
  item_pool<counter> pool(2);
  CHECK(pool.init(1, 5).ok());
  std::vector<millrace::any_request<counter>> requests;
  requests.emplace_back(add(1, 2));
  requests.emplace_back(total(2));
  requests.emplace_back(add_own(1, std::make_unique<int>(3)));
  requests.emplace_back(total(1));
  std::string seen;
  for (auto& r : pool.send_and_receive_in_order(std::move(requests))) {
    seen += std::visit(
        [](auto& each) -> std::string {
          if constexpr (requires { std::to_string(each.value()); }) {
            return each.ok() ? std::to_string(each.value()) + " " : "none ";
          }
          return "? ";
        },
        r);
  }
  CHECK(seen == "7 none 10 10 ");
  using life = std::variant<millrace::init_request<int>, add, millrace::remove_request>;
  const std::vector<life> whole{millrace::init_request<int>(9, 1), add(9, 1),
                                millrace::remove_request{9}, millrace::remove_request{9}};
  std::vector<bool> ok;
  for (auto& r : pool.send_and_receive(whole)) {
    ok.push_back(std::visit([](auto& each) { return each.ok(); }, r));
  }
  CHECK(ok == std::vector{true, true, true, false});
}

TEST_CASE("requests may come from any range, and are moved out of one that nobody needs") {
  item_pool<counter> pool(2);
  CHECK(pool.init(1, 0).ok());
  int sum = 0;
  for (auto& r : pool.send_and_receive(std::views::iota(1, 5) |
                                       std::views::transform([](int n) { return add(1, n); }))) {
    sum += r.value();
  }
  CHECK(sum == 1 + 3 + 6 + 10);
  std::vector<add_own> own;
  own.emplace_back(1, std::make_unique<int>(5));
  auto responses = pool.send_and_receive(std::move(own));
  CHECK((*responses.begin()).value() == 15);
  for ([[maybe_unused]] auto& r : pool.send_and_receive(std::vector<add>())) {
    FAIL("nothing was asked");
  }

  item_pool<user_session> sessions(1);
  CHECK(sessions.init(1, "Ada").ok());
  const std::string action = "does something with a long name";
  std::vector<act> kept(3, act(1, action));
  const auto all = [](const act&) { return true; };
  for (auto& r : sessions.send_and_receive(kept | std::views::filter(all))) {
    CHECK(r.ok());
  }
  CHECK(kept == std::vector<act>(3, act(1, action)));
}

TEST_CASE("what is sent without waiting is done before what is asked afterwards") {
  item_pool<counter> pool(2);
  CHECK(pool.send(millrace::init_request(4, 1)));
  for (int i = 0; i < 100; ++i) {
    CHECK(pool.send(add(4, 2)));
  }
  CHECK(pool.send(add(5, 2)));  // nobody there, and nobody told
  CHECK(pool.send_and_receive_once(total(4)).value() == 201);
  CHECK(pool.send(millrace::remove_request{4}));
  CHECK_FALSE(pool.remove(4));
}

TEST_CASE("responses that nobody takes are dropped, and their requests run") {
  item_pool<counter> pool(2);
  CHECK(pool.init(1, 0).ok());
  std::atomic<bool> go_on = false;
  CHECK(pool.send(test::wait_for(1, &go_on)));
  { auto dropped = pool.send_and_receive(std::vector(1000, add(1, 1))); }
  go_on = true;
  CHECK(pool.send_and_receive_once(total(1)).value() == 1000);
}

TEST_CASE("responses may be read when the pool is gone") {
  auto pool = std::make_unique<item_pool<counter>>(2);
  CHECK(pool->init(1, 0).ok());
  auto responses = pool->send_and_receive(std::vector(10, add(1, 1)));
  pool.reset();
  int last = 0;
  for (auto& r : responses) {
    last = r.value();
  }
  CHECK(last == 10);
}

TEST_CASE("shutdown says what each item said, and destroys them") {
  item_pool<counter> pool(3);
  for (item_id id = 10; id < 16; ++id) {
    CHECK(pool.init(id, static_cast<int>(id)).ok());
  }
  CHECK(pool.send(add(15, 100)));
  std::map<item_id, int> said;
  for (auto& r : pool.shutdown()) {
    said[r.id()] = r.ok() ? r.value() : -1;
    CHECK((r.status() == item_status::threw) == (r.id() == 13));
  }
  CHECK(said ==
        std::map<item_id, int>{{10, 10}, {11, 11}, {12, 12}, {13, -1}, {14, 14}, {15, 115}});
  CHECK(counter::alive == 0);
  CHECK(pool.shutdown().empty());
  {
    item_pool<counter> dropped(2);
    CHECK(dropped.init(1, 1).ok());
    CHECK(counter::alive == 1);
  }
  CHECK(counter::alive == 0);
}

TEST_CASE("a session and its history share state without locks") {
  item_pool<user_session> pool(2);
  CHECK(pool.init(1, "Ada").ok());
  CHECK(pool.init(2, "Bob").ok());
  std::vector<int> counts;
  for (auto& r :
       pool.send_and_receive(std::vector{act(1, "comes"), act(1, "looks"), act(1, "goes")})) {
    counts.push_back(r.value());
  }
  CHECK(counts == std::vector{1, 2, 3});
  CHECK(pool.send_and_receive_once(act(2, "comes")).value() == 1);
  CHECK(pool.send_and_receive_once(read_log(1)).value() ==
        std::vector<std::string>{"1: Ada comes", "2: Ada looks", "3: Ada goes"});
  CHECK(pool.remove(2));
  const auto said = pool.shutdown();
  REQUIRE(said.size() == 1);
  CHECK(said[0].value() == "Ada leaves after 3 actions");
}

TEST_CASE("a provider gives each id once") {
  millrace::id_provider ids(5);
  CHECK(ids.next() == 5);
  constexpr std::size_t each = 100'000;
  std::vector<item_id> got(4 * each);
  std::latch all_here(4);
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        all_here.arrive_and_wait();
        for (std::size_t i = 0; i < each; ++i) {
          got[t * each + i] = ids.next();
        }
      });
    }
  }
  std::ranges::sort(got);
  CHECK(got.front() == 6);
  CHECK(got.back() == 5 + got.size());
  CHECK(std::ranges::adjacent_find(got) == got.end());
}
