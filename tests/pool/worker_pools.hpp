// Worker pools of both kinds, whose workers do what they are sent.
#pragma once

#include <functional>
#include <stop_token>

#include <boost/asio/thread_pool.hpp>
#include <doctest/doctest.h>

#include <millrace/box/asio_executor.hpp>
#include <millrace/pool/worker_pool.hpp>

#include "pool/reports.hpp"

namespace test {

using millrace::blocking;
using millrace::non_blocking;
using millrace::task;
using millrace::thread_each;
using millrace::unlimited;
using millrace::waiting;
using millrace::worker_pool;

/// Two threads for coroutines.
struct asio_pool {
  boost::asio::thread_pool threads{2};
  millrace::scheduler where = millrace::asio_executor(threads.get_executor());
};

/// What workers of these tests are sent: work to do, with the key of whoever does it.
using job = std::function<void(int key)>;

/// Both kinds of a pool whose workers do all the jobs that they are sent.
template <class Policy, class Test>
void with_both_kinds(const Policy& policy, Test run) {
  {
    INFO("coroutines");
    reports reports;
    asio_pool asio;
    millrace::worker_pool<int, job, Policy> pool(
        asio.where,
        [](const int& key, const auto& box, std::stop_token) -> millrace::task<> {
          while (const auto work = co_await box.receive()) {
            (*work)(key);
          }
        },
        policy, reports.hook());
    run(pool, reports);
  }
  {
    INFO("threads");
    reports reports;
    millrace::worker_pool<int, job, Policy> pool(
        millrace::thread_each,
        [](const int& key, auto& box, const std::stop_token&) {
          while (const auto work = box.receive()) {
            (*work)(key);
          }
        },
        policy, reports.hook());
    run(pool, reports);
  }
}

}  // namespace test
