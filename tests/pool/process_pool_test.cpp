// Process pools: what is asked is answered, by the worker of the key, in order.
#include <atomic>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "pool/pools.hpp"
#include "support/bytes.hpp"
#include "support/errors.hpp"

using namespace std::chrono_literals;
using millrace::pending_reply;
using millrace::process_pool;
using millrace::reply_outcome;
using millrace::status;
using test::ask;

TEST_CASE("process pool: a request is answered by another process") {
  const test::scratch directory;
  process_pool pool(test::pool_options(directory));
  const auto said = ask(pool, 1, "hello");
  CHECK(said.outcome == reply_outcome::answered);
  CHECK(said.text == "hello");
  CHECK_FALSE(said.redelivered);
  const pid_t worker = test::process_of(pool, 1);
  CHECK(worker != ::getpid());
  CHECK(pool.worker(0).process == static_cast<std::uint32_t>(worker));
}

TEST_CASE("process pool: a key has one worker, and each worker some") {
  const test::scratch directory;
  process_pool pool(test::pool_options(directory, 3));
  std::set<pid_t> workers;
  for (int key = 0; key < 12; ++key) {
    const pid_t first = test::process_of(pool, key);
    CHECK(test::process_of(pool, key) == first);
    CHECK(test::process_of(pool, key + 3) == first);
    workers.insert(first);
  }
  CHECK(workers.size() == 3);
  CHECK(pool.worker_of(std::string("seeds")) == pool.worker_of("seeds"));
}

TEST_CASE(
    "process pool: requests of a key are processed in their order, replies can be read in any") {
  const test::scratch directory;
  process_pool pool(test::pool_options(directory, 2));
  constexpr int count = 500;
  std::vector<pending_reply> replies(count);
  for (int i = 0; i < count; ++i) {
    REQUIRE(pool.send(i % 5, "count", replies[static_cast<std::size_t>(i)]) == status::ok);
  }
  for (int i = count - 1; i >= 0; --i) {
    const auto said = test::wait_for(replies[static_cast<std::size_t>(i)]);
    CHECK(said.text == std::to_string(i / 5 + 1));
  }
}

TEST_CASE("process pool: requests and replies of any size arrive whole") {
  const test::scratch directory;
  process_pool pool(test::pool_options(directory));
  const std::size_t most = pool.max_message_size();
  CHECK(most == 32 * 1024 - 16);
  pending_reply reply;
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{95}, std::size_t{96},
                                 std::size_t{97}, std::size_t{1000}, most}) {
    const auto bytes = test::pattern(size, size);
    REQUIRE(pool.send(7, bytes, reply) == status::ok);
    REQUIRE(reply.wait() == status::ok);
    CHECK(reply.outcome() == reply_outcome::answered);
    CHECK(test::same(reply.bytes(), bytes));
  }
  CHECK(pool.try_send(7, test::pattern(most + 1), reply) == status::too_large);
  CHECK_FALSE(reply);
  CHECK(ask(pool, 7, "reserve 20000").text == std::string(20000, 'r'));
  CHECK(ask(pool, 7, "send " + std::to_string(most)).text == std::string(most, 's'));
  for (const char* way : {"send ", "reserve "}) {
    const auto said = ask(pool, 7, way + std::to_string(most + 1));
    CHECK(said.outcome == reply_outcome::threw);
    CHECK(said.text == "the reply is too large");
  }
}

TEST_CASE("process pool: a request has one reply, empty if the handler gives none") {
  const test::scratch directory;
  process_pool pool(test::pool_options(directory));
  pending_reply first;
  REQUIRE(pool.send(1, "twice", first) == status::ok);
  CHECK(test::wait_for(first).text == "first");
  const auto said = ask(pool, 1, "sleep 0");
  CHECK(said.outcome == reply_outcome::answered);
  CHECK(said.text.empty());
  CHECK(ask(pool, 1, "next").text == "next");
  CHECK(first.text() == "first");
}

TEST_CASE("process pool: what a handler throws is the reply, and the worker goes on") {
  const test::scratch directory;
  process_pool pool(test::pool_options(directory));
  const pid_t worker = test::process_of(pool, 1);
  const auto said = ask(pool, 1, "throw the towel");
  CHECK(said.outcome == reply_outcome::threw);
  CHECK(said.text == "the towel");
  const auto number = ask(pool, 1, "throw_number");
  CHECK(number.outcome == reply_outcome::threw);
  CHECK(number.text == "unknown exception");
  CHECK(test::process_of(pool, 1) == worker);
}

TEST_CASE("process pool: what() that is longer than a reply is cut") {
  const test::scratch directory;
  process_pool pool(test::pool_options(directory));
  const std::size_t most = pool.max_message_size();
  const auto said = ask(pool, 1, "throw_long " + std::to_string(most + 1));
  CHECK(said.outcome == reply_outcome::threw);
  CHECK(said.text == std::string(most, 'w'));
  CHECK(ask(pool, 1, "next").text == "next");
}

TEST_CASE("process pool: whoever waits does so for as long as it wants") {
  const test::scratch directory;
  process_pool pool(test::pool_options(directory));
  pending_reply reply;
  CHECK_ERROR(millrace::errc::closed, reply.wait());
  const pid_t worker = test::process_of(pool, 1);
  test::freeze_and_await(worker);
  REQUIRE(pool.send(1, "later", reply) == status::ok);
  CHECK(reply.wait_for(0ns) == status::timeout);
  CHECK(reply.wait_for(5ms) == status::timeout);
  std::stop_source stop;
  std::jthread stopper([&] {
    std::this_thread::sleep_for(10ms);
    stop.request_stop();
  });
  CHECK(reply.wait(stop.get_token()) == status::cancelled);
  ::kill(worker, SIGCONT);
  CHECK(test::wait_for(reply).text == "later");
}

TEST_CASE("process pool: a full worker says so, loses nothing, and takes more later") {
  const test::scratch directory;
  process_pool pool(test::pool_options(directory));
  const pid_t worker = test::process_of(pool, 1);
  test::freeze_and_await(worker);
  std::vector<pending_reply> replies;
  const std::string text(1000, 't');
  for (;;) {
    pending_reply reply;
    const status s = pool.try_send(1, text, reply);
    if (s != status::ok) {
      CHECK(s == status::full);
      CHECK_FALSE(reply);
      break;
    }
    replies.push_back(std::move(reply));
  }
  CHECK(replies.size() > 10);
  pending_reply later;
  CHECK(pool.send_for(1, text, 10ms, later) == status::timeout);
  std::stop_source stop;
  stop.request_stop();
  CHECK(pool.send(1, text, later, stop.get_token()) == status::cancelled);
  ::kill(worker, SIGCONT);
  CHECK(pool.send(1, text, later) == status::ok);
  for (auto& each : replies) {
    CHECK(test::wait_for(each).text == text);
  }
  CHECK(test::wait_for(later).text == text);
}

TEST_CASE("process pool: one thread can send more than all queues hold before it reads a reply") {
  const test::scratch directory;
  process_pool pool(test::pool_options(directory));
  std::vector<pending_reply> replies(1000);
  const std::string text(1000, 't');
  for (auto& each : replies) {
    REQUIRE(pool.send(1, text, each) == status::ok);
  }
  for (auto& each : replies) {
    CHECK(test::wait_for(each).text == text);
  }
}

TEST_CASE("process pool: replies that nobody wants are in nobody's way") {
  const test::scratch directory;
  process_pool pool(test::pool_options(directory));
  pending_reply reply;
  for (int i = 0; i < 1000; ++i) {
    REQUIRE(pool.send(1, std::to_string(i) + std::string(1000, 'u'), reply) == status::ok);
  }
  CHECK(test::wait_for(reply).text == "999" + std::string(1000, 'u'));
  CHECK(ask(pool, 1, "next").text == "next");
}

TEST_CASE("process pool: replies that nobody takes in are in nobody's way either") {
  const test::scratch directory;
  process_pool pool(test::pool_options(directory));
  const pid_t worker = test::process_of(pool, 1);
  for (int i = 0; i < 20; ++i) {
    pending_reply given_up;
    REQUIRE(pool.send(1, "reserve 20000", given_up) == status::ok);
  }
  pending_reply last;
  REQUIRE(pool.send(1, "freeze", last) == status::ok);
  test::eventually([&] { return test::process_state(worker) == 'T'; });
}

TEST_CASE("process pool: who only tries to send gets on") {
  const test::scratch directory;
  process_pool pool(test::pool_options(directory));
  pending_reply reply;
  for (int sent = 0; sent < 2000;) {
    const status s = pool.try_send(1, "count", reply);
    if (s == status::ok) {
      ++sent;
    } else {
      REQUIRE(s == status::full);
      std::this_thread::yield();
    }
  }
  CHECK(test::wait_for(reply).text == "2000");
}

TEST_CASE("process pool: threads that wait for room send each request once") {
  const test::scratch directory;
  process_pool pool(test::pool_options(directory));
  const std::string text = "count " + std::string(1500, 't');
  std::atomic<int> sent = 0;
  {
    std::vector<std::jthread> callers;
    for (int t = 0; t < 4; ++t) {
      callers.emplace_back([&, t] {
        pending_reply reply;
        for (int i = 0; i < 500; ++i) {
          if (pool.send(1, text, reply) == status::ok) {
            ++sent;
          }
          if (t == 0) {  // so that the others find somebody who receives
            (void)reply.wait();
          }
        }
      });
    }
  }
  CHECK(sent == 2000);
  CHECK(ask(pool, 1, "count").text == "2001");
}

TEST_CASE("process pool: a request that was not sent leaves no reply, nor one of another worker") {
  const test::scratch directory;
  process_pool pool(test::pool_options(directory, 2));
  pending_reply reply;
  for (const int key : {0, 1}) {
    REQUIRE(pool.send(0, "old", reply) == status::ok);
    CHECK(test::wait_for(reply).text == "old");
    CHECK(pool.send(key, test::pattern(pool.max_message_size() + 1), reply) == status::too_large);
    CHECK_FALSE(reply);
  }
}

TEST_CASE("process pool: threads that share it get their own replies") {
  const test::scratch directory;
  process_pool pool(test::pool_options(directory));
  std::atomic<int> wrong = 0;
  {
    std::vector<std::jthread> callers;
    for (int t = 0; t < 8; ++t) {
      callers.emplace_back([&, t] {
        pending_reply reply;
        for (int i = 0; i < 1000; ++i) {
          const std::string text = std::to_string(t) + " " + std::to_string(i);
          if (pool.send(i, text, reply) != status::ok || reply.wait() != status::ok ||
              reply.text() != text) {
            ++wrong;
          }
        }
      });
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("process pool: workers are bound to processors, and get arguments") {
  const test::scratch directory;
  auto options = test::pool_options(directory);
  options.processors = {0};
  process_pool pool(options);
  CHECK(ask(pool, 1, "processors").text == "1 with");
  options.processors = {-1};
  CHECK_ERROR(millrace::errc::invalid_option, process_pool(options));
}

TEST_CASE("process pool: what cannot be set up is an error, and leaves nothing") {
  const test::scratch directory;
  auto options = test::pool_options(directory);
  options.program = "/nowhere/at/all";
  CHECK_ERROR(millrace::errc::not_found, process_pool(options));
  options = test::pool_options(directory, 0);
  CHECK_ERROR(millrace::errc::invalid_option, process_pool(options));
  CHECK(directory.entries().empty());
}
