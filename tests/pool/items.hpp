// Items for pools.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include <doctest/doctest.h>

#include <millrace/pool/request.hpp>
#include <millrace/pool/response.hpp>

namespace test {

/// Neither copied nor moved, and counted.
class counter {
 public:
  static inline std::atomic<int> alive = 0;

  explicit counter(int start = 0) : total_(start) {
    if (start < 0) {
      throw std::invalid_argument("below zero");
    }
    ++alive;
  }
  counter(const counter&) = delete;
  counter& operator=(const counter&) = delete;
  ~counter() { --alive; }

  int add(int n) {
    if (n == 0) {
      throw std::invalid_argument("nothing to add");
    }
    return total_ += n;
  }
  [[nodiscard]] int total() const noexcept { return total_; }
  void reset() { total_ = 0; }
  int add_own(std::unique_ptr<int> n) { return total_ += *n; }
  [[nodiscard]] std::thread::id thread() const { return std::this_thread::get_id(); }
  void wait_for(const std::atomic<bool>* flag) const {
    while (!*flag) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  int shutdown() {
    if (total_ == 13) {
      throw std::runtime_error("unlucky");
    }
    return total_;
  }

  using requests = millrace::request_list<&counter::add, &counter::total, &counter::reset,
                                          &counter::add_own, &counter::thread, &counter::wait_for>;

 private:
  int total_;
};

using add = millrace::request<&counter::add>;
using total = millrace::request<&counter::total>;
using reset = millrace::request<&counter::reset>;
using add_own = millrace::request<&counter::add_own>;
using thread_of = millrace::request<&counter::thread>;
using wait_for = millrace::request<&counter::wait_for>;

}  // namespace test

namespace doctest {

template <>
struct StringMaker<millrace::item_status> {
  static String convert(millrace::item_status value) {
    return std::string(millrace::to_string(value)).c_str();
  }
};

}  // namespace doctest
