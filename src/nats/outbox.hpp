// Messages on loan from a queue that are on their way to a stream.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <millrace/core/error.hpp>
#include <millrace/queue/subscriber.hpp>

namespace millrace::detail {

/// Messages have numbers, one after the other, and wait in a circle with a place for each number
/// from the oldest that is not settled on. Its end gives what is in it back to the queue.
class outbox {
 public:
  explicit outbox(std::size_t places) : places_(places) {}
  outbox(const outbox&) = delete;
  outbox& operator=(const outbox&) = delete;
  ~outbox() {
    for (std::uint64_t number = oldest_; number != next_; ++number) {
      if (auto& place = place_of(number)) {
        try {
          place->loan.requeue();
        } catch (const error&) {
          // The queue is unusable, which others find out too; leaving it gives its loans back.
        }
      }
    }
  }

  [[nodiscard]] bool empty() const noexcept { return oldest_ == next_; }
  /// Places between the oldest and the newest, settled ones among them too.
  [[nodiscard]] std::size_t size() const noexcept { return next_ - oldest_; }
  [[nodiscard]] bool full() const noexcept { return size() == places_.size(); }
  /// How many have been refused, and how many have had no answer.
  [[nodiscard]] std::size_t refused() const noexcept { return refused_; }
  [[nodiscard]] std::size_t awaited() const noexcept { return awaited_; }

  /// REQUIRES: not full. Its number.
  std::uint64_t add(message&& loan) {
    place_of(next_).emplace(std::move(loan), false);
    ++awaited_;
    return next_++;
  }

  /// Finishes this one. False: it is not, or no longer, in here.
  bool settle(std::uint64_t number) {
    if (!holds(number)) {
      return false;
    }
    auto& place = place_of(number);
    --(place->refused ? refused_ : awaited_);
    place.reset();
    while (oldest_ != next_ && !place_of(oldest_)) {
      ++oldest_;
    }
    return true;
  }

  /// This one has to go again.
  void refuse(std::uint64_t number) noexcept {
    if (holds(number) && !place_of(number)->refused) {
      place_of(number)->refused = true;
      --awaited_;
      ++refused_;
    }
  }

  /// Calls send(number, bytes) for all of them, the oldest first; then they are awaited again. May
  /// settle the one it is called for.
  template <class Send>
  void send_again(Send send) {
    for (std::uint64_t number = oldest_; number < next_; ++number) {
      if (holds(number)) {
        auto& place = *place_of(number);
        if (std::exchange(place.refused, false)) {
          --refused_;
          ++awaited_;
        }
        send(number, place.loan.bytes());
      }
    }
  }

 private:
  struct waiting {
    waiting(message&& m, bool r) : loan(std::move(m)), refused(r) {}
    message loan;
    bool refused;
  };

  [[nodiscard]] std::optional<waiting>& place_of(std::uint64_t number) noexcept {
    return places_[number % places_.size()];
  }
  [[nodiscard]] bool holds(std::uint64_t number) noexcept {
    return oldest_ <= number && number < next_ && place_of(number);
  }

  std::vector<std::optional<waiting>> places_;
  std::uint64_t oldest_ = 1;
  std::uint64_t next_ = 1;
  std::size_t refused_ = 0;
  std::size_t awaited_ = 0;
};

}  // namespace millrace::detail
