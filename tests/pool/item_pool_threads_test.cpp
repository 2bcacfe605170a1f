// Where the items of a pool run, and pools within pools.
#include <atomic>
#include <chrono>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <millrace/core/error.hpp>
#include <millrace/pool/item_pool.hpp>

#include "pool/items.hpp"
#include "support/errors.hpp"
#include "support/watchdog.hpp"

using millrace::item_id;
using millrace::item_pool;
using millrace::item_status;
using test::counter;

namespace {

/// Notices when it runs elsewhere than where it was made, or twice at a time.
class pinned {
 public:
  static inline std::atomic<int> wrong = 0;

  ~pinned() { visit(); }
  int visit() {
    wrong += std::this_thread::get_id() == home_ ? 0 : 1;
    wrong += std::exchange(busy_, true) ? 1 : 0;
    ++visits_;
    busy_ = false;
    return visits_;
  }
  int shutdown() { return visit() - 1; }
  using requests = millrace::request_list<&pinned::visit>;

 private:
  const std::thread::id home_ = std::this_thread::get_id();
  bool busy_ = false;
  int visits_ = 0;
};

/// Asks items of a pool of its own.
class group {
 public:
  explicit group(int members) : members_(2) {
    for (int i = 0; i < members; ++i) {
      members_.init(static_cast<item_id>(i), i).value();
    }
  }
  int sum(int members) {
    std::vector<test::total> questions;
    for (int i = 0; i < members; ++i) {
      questions.emplace_back(static_cast<item_id>(i));
    }
    int s = 0;
    for (auto& r : members_.send_and_receive(questions)) {
      s += r.value();
    }
    return s + members_.send_and_receive_once(test::total(0)).value();
  }
  std::size_t shutdown() { return members_.shutdown().size(); }
  using requests = millrace::request_list<&group::sum>;

 private:
  item_pool<counter> members_;
};

/// Asks others of its own pool.
class neighbour {
 public:
  explicit neighbour(item_pool<neighbour>* pool) : pool_(pool) {}
  int number() const { return 42; }
  item_status ask(item_id whom) const;
  std::vector<item_status> ask_all(std::vector<item_id> whom) const;
  bool tell(item_id whom) const;
  bool forget(item_id whom) const { return pool_->remove(whom); }
  using requests = millrace::request_list<&neighbour::number, &neighbour::ask, &neighbour::ask_all,
                                          &neighbour::tell, &neighbour::forget>;

 private:
  item_pool<neighbour>* pool_;
};
using number_of = millrace::request<&neighbour::number>;

item_status neighbour::ask(item_id whom) const {
  return pool_->send_and_receive_once(number_of(whom)).status();
}
std::vector<item_status> neighbour::ask_all(std::vector<item_id> whom) const {
  std::vector<number_of> questions;
  for (const item_id id : whom) {
    questions.emplace_back(id);
  }
  std::vector<item_status> got;
  for (auto& r : pool_->send_and_receive_in_order(questions)) {
    got.push_back(r.status());
  }
  return got;
}
bool neighbour::tell(item_id whom) const {
  return pool_->send(number_of(whom));
}

}  // namespace

TEST_CASE("an item is on one thread all its life, whoever asks, and never runs twice at a time") {
  test::allow(60);
  constexpr item_id items = 7;
  constexpr int senders = 4;
  constexpr int rounds = 300;
  item_pool<pinned> pool(2);
  for (item_id id = 0; id < items; ++id) {
    CHECK(pool.init(id).ok());
  }
  {
    std::vector<std::jthread> threads;
    for (int s = 0; s < senders; ++s) {
      threads.emplace_back([&pool] {
        using visit = millrace::request<&pinned::visit>;
        std::vector<visit> requests;
        for (item_id id = 0; id < items; ++id) {
          requests.emplace_back(id);
          requests.emplace_back(id);
        }
        std::vector<int> before(items);
        const auto see = [&](auto& r) {
          REQUIRE(r.value() > std::exchange(before[r.id()], r.value()));
        };
        for (int round = 0; round < rounds; ++round) {
          for (auto& r : pool.send_and_receive(requests)) {
            see(r);
          }
          auto once = pool.send_and_receive_once(visit(static_cast<item_id>(round) % items));
          see(once);
        }
      });
    }
  }
  int visits = 0;
  for (auto& r : pool.shutdown()) {
    visits += r.value();
  }
  CHECK(visits == senders * rounds * (2 * static_cast<int>(items) + 1));
  CHECK(pinned::wrong == 0);
}

TEST_CASE("items go to threads by their id, or as the user says") {
  const auto threads_of = [](auto& pool) {
    std::vector<std::thread::id> threads;
    for (item_id id = 0; id < 6; ++id) {
      pool.init(id, 0).value();
      threads.push_back(pool.send_and_receive_once(test::thread_of(id)).value());
    }
    return threads;
  };
  item_pool<counter> pool(3);
  const auto by_remainder = threads_of(pool);
  CHECK(std::set(by_remainder.begin(), by_remainder.end()).size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(by_remainder[i] == by_remainder[i + 3]);
  }
  constexpr auto halves = [](item_id id, std::size_t) { return static_cast<std::size_t>(id / 3); };
  item_pool<counter, decltype(halves)> other(2, halves);
  const auto t = threads_of(other);
  CHECK(t[0] == t[1]);
  CHECK(t[1] == t[2]);
  CHECK(t[2] != t[3]);
  CHECK(t[3] == t[4]);
  CHECK(t[4] == t[5]);
}

TEST_CASE("items that own pools may wait for them") {
  test::allow(60);
  item_pool<group> pool(2);
  for (item_id id = 0; id < 6; ++id) {
    CHECK(pool.init(id, 5).ok());
  }
  for (int round = 0; round < 20; ++round) {
    std::vector<millrace::request<&group::sum>> requests;
    for (item_id id = 0; id < 6; ++id) {
      requests.emplace_back(id, 5);
    }
    for (auto& r : pool.send_and_receive(requests)) {
      REQUIRE(r.value() == 0 + 1 + 2 + 3 + 4);
    }
  }
  CHECK(pool.remove(5));
  std::size_t members = 0;
  for (auto& r : pool.shutdown()) {
    members += r.value();
  }
  CHECK(members == 5 * 5);
}

TEST_CASE("an item may ask its own pool, but not wait for its own thread") {
  test::allow(60);
  item_pool<neighbour> pool(2);
  for (item_id id = 0; id < 4; ++id) {
    CHECK(pool.init(id, &pool).ok());
  }
  using ask = millrace::request<&neighbour::ask>;
  CHECK(pool.send_and_receive_once(ask(0, 1u)).value() == item_status::ok);
  CHECK(pool.send_and_receive_once(ask(0, 2u)).value() == item_status::would_deadlock);
  CHECK(pool.send_and_receive_once(ask(0, 0u)).value() == item_status::would_deadlock);
  using ask_all = millrace::request<&neighbour::ask_all>;
  CHECK(pool.send_and_receive_once(ask_all(0, std::vector<item_id>{0, 1, 2, 3, 5})).value() ==
        std::vector{item_status::would_deadlock, item_status::ok, item_status::would_deadlock,
                    item_status::ok, item_status::unknown_id});
  CHECK(pool.send_and_receive_once(millrace::request<&neighbour::tell>(0, 0u)).value());
  using forget = millrace::request<&neighbour::forget>;
  CHECK(pool.send_and_receive_once(forget(0, 3u)).value());
  CHECK_ERROR(millrace::errc::busy, pool.send_and_receive_once(forget(0, 2u)).value());
}

TEST_CASE("a pool that slept wakes up, and so does whoever waits long for it") {
  using namespace std::chrono_literals;
  test::allow(60);
  item_pool<counter> pool(2);
  CHECK(pool.init(0, 0).ok());
  CHECK(pool.init(1, 0).ok());
  for (int round = 1; round <= 20; ++round) {
    std::this_thread::sleep_for(2ms);  // asleep by then
    std::atomic<bool> go_on = false;
    pool.send(test::wait_for(0, &go_on));
    std::jthread later([&] {
      std::this_thread::sleep_for(20ms);  // whoever waits is asleep by then, on a busy machine too
      go_on = true;
    });
    if (round % 2 == 0) {
      REQUIRE(pool.send_and_receive_once(test::add(0, 1)).value() == round);
    } else {
      int answers = 0;
      for (auto& r : pool.send_and_receive(std::vector{test::add(0, 1), test::add(1, 1)})) {
        REQUIRE(r.ok());
        ++answers;
      }
      REQUIRE(answers == 2);
    }
  }
}
