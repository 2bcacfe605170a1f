// Waiting at several boxes.
#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include <doctest/doctest.h>

#include <millrace/box/select.hpp>

using namespace std::chrono_literals;
using millrace::blocking;
using millrace::message_box;

TEST_CASE("the first box that has a message wins, whichever it is") {
  message_box<int> numbers;
  message_box<std::unique_ptr<std::string>, blocking> texts({2});
  auto both = millrace::select(numbers, texts);
  auto number = numbers.new_input();
  auto text = texts.new_input();
  CHECK_FALSE(both.try_receive());
  CHECK_FALSE(both.receive_after(1ms));
  CHECK(text.deliver(std::make_unique<std::string>("one")));
  auto m = both.receive();
  REQUIRE(m);
  REQUIRE(m->index() == 1);
  CHECK(*std::get<1>(*m) == "one");
  for (const auto pause : {0ms, 5ms}) {
    std::jthread later([&] {
      std::this_thread::sleep_for(pause);
      CHECK(number.deliver(1));
      std::this_thread::sleep_for(pause);
      CHECK(text.deliver(std::make_unique<std::string>("two")));
    });
    m = both.receive();
    REQUIRE(m);
    CHECK(std::get<0>(*m) == 1);
    m = both.receive();
    REQUIRE(m);
    CHECK(*std::get<1>(*m) == "two");
  }
}

TEST_CASE("boxes that are never empty take turns") {
  message_box<int> a;
  message_box<int> b;
  message_box<int> c;
  auto to_a = a.new_input();
  auto to_b = b.new_input();
  auto to_c = c.new_input();
  for (int i = 0; i < 30; ++i) {
    CHECK((to_a.deliver(0) && to_b.deliver(1)));
  }
  auto all = millrace::select(a, b, c);
  int from[3] = {};
  for (int i = 0; i < 20; ++i) {
    ++from[all.try_receive()->index()];
  }
  CHECK(from[0] == 10);
  CHECK(from[1] == 10);
}

TEST_CASE("selecting ends when all boxes have, and on a stop") {
  message_box<int> a;
  message_box<int, blocking> b({1});
  auto to_a = a.new_input();
  auto both = millrace::select(a, b);
  std::stop_source stop;
  std::jthread stopper([&] {
    std::this_thread::sleep_for(5ms);
    stop.request_stop();
  });
  CHECK_FALSE(both.receive(stop.get_token()));
  {
    auto to_b = b.new_input();
    CHECK(to_b.deliver(1));
  }
  CHECK(both.receive());
  CHECK(to_a.deliver(2));
  a.close();
  CHECK(both.receive());
  CHECK_FALSE(both.receive());
  message_box<int> open;
  auto in = open.new_input();
  auto one_left = millrace::select(a, open, b);
  std::jthread sender([&] {
    std::this_thread::sleep_for(5ms);
    CHECK(in.deliver(3));
  });
  const auto m = one_left.receive();
  REQUIRE(m);
  CHECK(m->index() == 1);
}
