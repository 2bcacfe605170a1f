// Our own, by policy.
#pragma once

#include <chrono>
#include <stdexcept>
#include <utility>

#include <millrace/box/message_box.hpp>

#include "peer.hpp"

namespace bench {

using namespace std::chrono_literals;

template <class Policy>
struct box_policy;
template <>
struct box_policy<millrace::blocking> {
  static constexpr const char* name = "millrace_blocking";
  static constexpr millrace::blocking value{.limit = box_limit};
};
template <>
struct box_policy<millrace::waiting> {
  static constexpr const char* name = "millrace_waiting";
  static constexpr millrace::waiting value{
      .limit = box_limit, .deliver_within = 5s, .receive_within = 5s};
};
template <>
struct box_policy<millrace::unlimited> {
  static constexpr const char* name = "millrace_unlimited";
  static constexpr millrace::unlimited value{};
};

template <class T, class Policy>
class millrace_box {
  using box = millrace::message_box<T, Policy>;

 public:
  using value_type = T;
  static constexpr const char* name = box_policy<Policy>::name;

  class sender {
   public:
    explicit sender(millrace_box& to) : input_(to.box_.new_input()) {}
    void send(T&& message) {
      if (!input_.deliver(std::move(message))) {
        throw std::runtime_error("a message was not delivered");
      }
    }

   private:
    typename box::input_type input_;
  };

  template <class Use>
  void receive(Use use) {
    auto message = box_.receive();
    if (!message) {
      throw std::runtime_error("no message was received");
    }
    use(*message);
  }

 private:
  box box_{box_policy<Policy>::value};
  // Receivers come first, senders later: without this one, it would seem that all had gone.
  typename box::input_type kept_ = box_.new_input();
};

template <class T>
using blocking_box = millrace_box<T, millrace::blocking>;
template <class T>
using waiting_box = millrace_box<T, millrace::waiting>;
template <class T>
using unlimited_box = millrace_box<T, millrace::unlimited>;

}  // namespace bench
