// Which way a run of a few threads takes wherever it could take more than one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace millrace::interleaving {

/// Gives out one schedule after the other. Nothing is restored between two: a run is made again
/// from its beginning, and told the same answers up to where it shall differ.
class schedules {
 public:
  /// All in which no more than `deviations` times something special happens, such as an
  /// interruption, or that not the next in turn goes on. Depth first.
  static schedules all(unsigned deviations) { return {deviations, 0, 0}; }
  /// So many random ones, without bounds.
  static schedules random(std::uint64_t count, std::uint64_t seed) { return {0, count, seed}; }

  /// What happens now: one of 0 to n - 1, where 0 is nothing special.
  [[nodiscard]] unsigned deviate(unsigned n) {
    if (random_ != 0) {
      return generator_() % 4 == 0 ? static_cast<unsigned>(generator_() % n) : 0;
    }
    if (left_ == 0 || n == 1) {
      return 0;
    }
    if (at_ == trail_.size()) {
      trail_.push_back({0, n});
    }
    const unsigned to = trail_[at_++].picked;
    left_ -= to == 0 ? 0 : 1;
    return to;
  }

  /// To the next one. False: that was the last.
  [[nodiscard]] bool next() {
    ++made_;
    if (random_ != 0) {
      return made_ < random_;
    }
    while (!trail_.empty() && trail_.back().picked + 1 == trail_.back().of) {
      trail_.pop_back();
    }
    if (trail_.empty()) {
      return false;
    }
    ++trail_.back().picked;
    at_ = 0;
    left_ = deviations_;
    return true;
  }
  [[nodiscard]] std::uint64_t made() const { return made_; }

 private:
  struct choice {
    unsigned picked, of;
  };

  schedules(unsigned deviations, std::uint64_t random, std::uint64_t seed)
      : deviations_(deviations), left_(deviations), random_(random), generator_(seed) {}

  const unsigned deviations_;
  unsigned left_;
  const std::uint64_t random_;
  std::minstd_rand generator_;
  std::vector<choice> trail_;
  std::size_t at_ = 0;
  std::uint64_t made_ = 0;
};

}  // namespace millrace::interleaving
