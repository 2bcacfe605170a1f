// How many of a list of requests were answered: counted by the thread that answers them, read and
// waited for by the one that asked.
//
// One word: the count, and a bit that says that somebody sleeps until there are more. Counting
// replaces the word, and so takes the bit away: whoever counts knows whether to wake somebody, and
// touches the word no more.
//
// SYNC (b): advance releases the answer, count and announce acquire it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace millrace::detail {

class progress {
 public:
  /// One more was answered. True: somebody sleeps, and has to be woken. False: this may be gone.
  [[nodiscard]] bool advance() noexcept {
    answered_ += one;
    return (word_.exchange(answered_, std::memory_order_acq_rel) & asleep) != 0;  // SYNC (b)
  }

  [[nodiscard]] std::size_t count() const noexcept {
    return word_.load(std::memory_order_acquire) / one;  // SYNC (b)
  }
  /// Before a sleep. True: there are still no more than `seen`, and whoever counts the next one
  /// will be told to wake.
  [[nodiscard]] bool announce(std::size_t seen) noexcept {
    return word_.fetch_or(asleep, std::memory_order_acq_rel) / one == seen;  // SYNC (b)
  }

 private:
  static constexpr std::uint64_t asleep = 1;
  static constexpr std::uint64_t one = 2;

  std::uint64_t answered_ = 0;  // of the thread that counts
  std::atomic<std::uint64_t> word_ = 0;
};

}  // namespace millrace::detail
