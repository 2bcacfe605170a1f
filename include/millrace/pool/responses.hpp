// The responses to a batch of requests, as a range that waits for each of them.
#pragma once

#include <cstddef>
#include <iterator>
#include <memory>
#include <utility>

namespace millrace {

/// An input range, gone through once, by one thread. Dropped early, it does not wait: what was sent
/// is done all the same. It may outlive its pool.
template <class Batch>
class responses {
 public:
  class iterator {
   public:
    using iterator_concept = std::input_iterator_tag;
    using value_type = typename Batch::response_type;
    using difference_type = std::ptrdiff_t;
    explicit iterator(Batch& from) : from_(&from) { ++*this; }
    [[nodiscard]] value_type& operator*() const noexcept { return *current_; }
    [[nodiscard]] value_type* operator->() const noexcept { return current_; }
    /// Waits for the next response.
    iterator& operator++() {
      current_ = from_->next();
      return *this;
    }
    void operator++(int) { ++*this; }
    [[nodiscard]] friend bool operator==(const iterator& i, std::default_sentinel_t) noexcept {
      return i.current_ == nullptr;
    }

   private:
    Batch* from_;
    value_type* current_ = nullptr;
  };

  explicit responses(std::shared_ptr<Batch> to) noexcept : batch_(std::move(to)) {}

  [[nodiscard]] iterator begin() { return iterator(*batch_); }
  [[nodiscard]] static std::default_sentinel_t end() noexcept { return {}; }

 private:
  std::shared_ptr<Batch> batch_;
};

}  // namespace millrace
