// What victims and sleepers got, written down where the test can read it.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <new>
#include <stdexcept>
#include <vector>

#include <sys/mman.h>

#include "fault/single_step/arena.hpp"

namespace single_step {

/// Memory shared with the processes that are forked after it was made.
class record {
 public:
  record() {
    void* const memory =
        ::mmap(nullptr, sizeof(page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
      throw std::runtime_error("cannot map memory");
    }
    page_ = new (memory) page;
  }
  record(const record&) = delete;
  record& operator=(const record&) = delete;
  ~record() { ::munmap(page_, sizeof(page)); }

  void note(arrival a) {
    page_->arrivals.at(page_->count) = a;
    ++page_->count;
  }
  [[nodiscard]] std::vector<arrival> all() const {
    return {page_->arrivals.begin(), page_->arrivals.begin() + page_->count};
  }

 private:
  struct page {
    std::array<arrival, 8> arrivals{};
    std::atomic<std::ptrdiff_t> count{0};
  };
  page* page_;
};

}  // namespace single_step
