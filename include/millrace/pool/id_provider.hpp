// id_provider: ids for items, each once.
#pragma once

#include <atomic>

#include <millrace/pool/response.hpp>

namespace millrace {

/// Counts up, so that with the usual routing the threads of a pool get items in turn. Thread-safe.
class id_provider {
 public:
  explicit id_provider(item_id first = 1) noexcept : next_(first) {}

  [[nodiscard]] item_id next() noexcept { return next_.fetch_add(1, std::memory_order_relaxed); }

 private:
  std::atomic<item_id> next_;
};

}  // namespace millrace
