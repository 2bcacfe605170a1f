// The hashes of states that were seen: open addressing, at most two thirds full.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace millrace::interleaving {

class state_set {
 public:
  /// False: it was there.
  bool insert(std::uint64_t state) {
    state += state == 0;  // zero marks an empty place
    if (3 * (size_ + 1) > 2 * places_.size()) {
      grow();
    }
    if (!put(state)) {
      return false;
    }
    ++size_;
    return true;
  }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  bool put(std::uint64_t state) {
    const std::size_t mask = places_.size() - 1;
    std::size_t i = state & mask;
    while (places_[i] != 0) {
      if (places_[i] == state) {
        return false;
      }
      i = (i + 1) & mask;
    }
    places_[i] = state;
    return true;
  }
  void grow() {
    std::vector<std::uint64_t> old(places_.size() * 2);
    old.swap(places_);
    for (const auto state : old) {
      if (state != 0) {
        put(state);
      }
    }
  }

  std::vector<std::uint64_t> places_ = std::vector<std::uint64_t>(1U << 16);
  std::size_t size_ = 0;
};

}  // namespace millrace::interleaving
