// A bad network on loopback: passes bytes on between those who connect to it and one address, until
// it is told to cut them off, in the middle of whatever they say. Of what it has in hand then, a
// part at random arrives; and the end comes as a reset or as if the other side had ended it.
#pragma once

#include <atomic>
#include <chrono>
#include <list>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "link/peers.hpp"

namespace test {

class bad_network {
 public:
  /// Passes on to whatever `to` is by then, at most `delay` late.
  explicit bad_network(std::string to, std::chrono::microseconds delay = {})
      : to_(std::move(to)), delay_(delay) {}

  [[nodiscard]] const std::string& address() const { return listener_.address(); }
  void lead_to(std::string address) {
    const std::lock_guard lock(mutex_);
    to_ = std::move(address);
  }
  /// Ends all connections, with what is on its way in them. Others may be made at once.
  void cut() { ++cuts_; }
  /// How often a cut left a part of what was on its way.
  [[nodiscard]] int truncations() const { return truncations_; }

 private:
  void accept_all(const std::stop_token& stop) {
    std::list<std::jthread> pumps;
    while (!stop.stop_requested()) {
      if (!listener_.wait_for_caller(std::chrono::milliseconds(5))) {
        continue;
      }
      pumps.emplace_back([this, caller = listener_.accept()](const std::stop_token& end) mutable {
        pump(caller, end);
      });
    }
  }

  void pump(raw_peer& caller, const std::stop_token& stop) {
    const int cuts = cuts_;
    std::mt19937 random(static_cast<unsigned>(cuts));
    std::string to;
    {
      const std::lock_guard lock(mutex_);
      to = to_;
    }
    try {
      raw_peer called(to);
      std::vector<std::byte> buffer(50'000);
      while (!stop.stop_requested() && cuts == cuts_) {
        if (!pass(caller, called, buffer, random, cuts) ||
            !pass(called, caller, buffer, random, cuts)) {
          break;
        }
      }
      end(called, random);
    } catch (const std::runtime_error&) {
      // Nobody is there: the caller hears so by the end of its connection.
    }
    end(caller, random);
  }

  static void end(raw_peer& peer, std::mt19937& random) {
    if (random() % 2 == 0) {
      peer.reset();
    }  // else it ends with the object, and what it was sent arrives
  }

  /// False: the connection has ended.
  bool pass(const raw_peer& from, const raw_peer& to, std::vector<std::byte>& buffer,
            std::mt19937& random, int cuts) {
    const auto n = from.read_some(buffer, std::chrono::milliseconds(1));
    if (n <= 0) {
      return n == 0;
    }
    if (delay_.count() > 0) {
      std::this_thread::sleep_for(delay_ * (random() % 100) / 100);
    }
    auto size = static_cast<std::size_t>(n);
    if (cuts != cuts_) {
      size = random() % (size + 1);
      ++truncations_;
    }
    return to.write(std::span(buffer).first(size));
  }

  raw_listener listener_;
  std::mutex mutex_;
  std::string to_;
  std::chrono::microseconds delay_;
  std::atomic<int> cuts_ = 0;
  std::atomic<int> truncations_ = 0;
  std::jthread thread_{[this](const std::stop_token& stop) { accept_all(stop); }};
};

}  // namespace test
