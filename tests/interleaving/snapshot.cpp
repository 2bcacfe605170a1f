// Copies of the world: its bytes, then each stack's size and bytes.
#include "snapshot.hpp"

#include <cstring>

#include "world.hpp"

namespace millrace::interleaving {

void snapshots::push() {
  const std::size_t begin = bytes_.size();
  std::size_t size = sizeof now;
  for (unsigned who = 0; who < most_processes; ++who) {
    size += sizeof(std::size_t) + fiber::live(who).size();
  }
  begins_.push_back(begin);
  bytes_.resize(begin + size);
  std::byte* to = bytes_.data() + begin;
  std::memcpy(to, &now, sizeof now);
  to += sizeof now;
  for (unsigned who = 0; who < most_processes; ++who) {
    const auto stack = fiber::live(who);
    const std::size_t n = stack.size();
    std::memcpy(to, &n, sizeof n);
    to += sizeof n;
    if (n != 0) {
      std::memcpy(to, stack.data(), n);
      to += n;
    }
  }
}

void snapshots::restore() const {
  const std::byte* from = bytes_.data() + begins_.back();
  std::memcpy(static_cast<void*>(&now), from, sizeof now);
  from += sizeof now;
  for (unsigned who = 0; who < most_processes; ++who) {
    std::size_t n;
    std::memcpy(&n, from, sizeof n);
    from += sizeof n;
    fiber::restore(who, {from, n});
    from += n;
  }
}

void snapshots::pop() {
  bytes_.resize(begins_.back());
  begins_.pop_back();
}

}  // namespace millrace::interleaving
