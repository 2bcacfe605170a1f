// What is run on the stage.
#pragma once

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "schedules.hpp"
#include "stage.hpp"

namespace millrace::interleaving {

struct scenario {
  std::string name;
  unsigned deviations;   // all schedules with so many of them, ...
  std::uint64_t random;  // ... and so many random ones
  std::uint64_t least;   // schedules that these must come to
  /// One run; what was wrong.
  std::function<std::string(schedules&)> run;
};

[[nodiscard]] std::vector<scenario> closing_scenarios();
[[nodiscard]] std::vector<scenario> queue_scenarios();
[[nodiscard]] std::vector<scenario> meeting_scenarios();
[[nodiscard]] std::vector<scenario> scheduler_scenarios();

/// Which of which sender's messages it is; how many there are; whether moving it throws.
template <bool MayThrow>
struct message {
  static inline int alive = 0;
  unsigned sender, number;
  unsigned moves_left = 99;

  message(unsigned s, unsigned n) : sender(s), number(n) { ++alive; }
  message(message&& other) noexcept(!MayThrow)
      : sender(other.sender_later()), number(other.number) {
    stage::touch(this);
    stage::touch(&other);
    if constexpr (MayThrow) {
      if (other.moves_left == 0) {
        throw std::runtime_error("moved too often");
      }
    }
    moves_left = other.moves_left - 1;
    ++alive;
  }
  message& operator=(message&&) = delete;
  ~message() {
    stage::touch(this);
    --alive;
  }

 private:
  /// Others may come between whatever precedes a move and the move.
  [[nodiscard]] unsigned sender_later() const {
    stage::step();
    return sender;
  }
};

/// What was accepted and what came out of it.
class account {
 public:
  explicit account(unsigned senders) : accepted_(senders), received_(senders) {}

  void accepted(unsigned sender, unsigned number) { accepted_[sender].push_back(number); }
  void received(unsigned sender, unsigned number) {
    stage::require(sender < received_.size(), "something that is no message was received");
    stage::require(received_[sender].empty() || received_[sender].back() < number,
                   "a message came twice, or out of its sender's order");
    received_[sender].push_back(number);
  }
  /// After the run.
  [[nodiscard]] std::string close() const {
    return accepted_ == received_ ? "" : "not all that was accepted was received, or more was";
  }

 private:
  std::vector<std::vector<unsigned>> accepted_;
  std::vector<std::vector<unsigned>> received_;
};

}  // namespace millrace::interleaving
