// Many requests at once: a lane for each thread of the pool, with the requests to its items in
// their order. A thread answers a lane's requests one after another, in place, while the caller
// follows it and takes the responses.
//
// A batch stays until its caller has dropped it and all its lanes are done.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include <millrace/detail/spinning.hpp>
#include <millrace/pool/detail/errand.hpp>
#include <millrace/pool/detail/item_thread.hpp>
#include <millrace/pool/detail/progress.hpp>
#include <millrace/pool/detail/sleeper.hpp>

namespace millrace::detail {

enum class response_order {
  as_completed,  // of one thread exactly, of several nearly
  as_sent,
};

template <class Item, class Request, response_order Order>
class batch {
 public:
  using response_type = response_to<Request>;

  explicit batch(std::size_t threads) : lanes_(threads) {}

  void add(std::size_t thread, Request r) {
    lanes_.at(thread).errands.emplace_back(std::move(r));
    if constexpr (Order == response_order::as_sent) {
      turns_.push_back(thread);
    }
    ++left_;
  }

  /// Gives each thread its lane.
  template <class Threads>
  static void post(const std::shared_ptr<batch>& b, Threads& threads) {
    for (std::size_t i = 0; i < b->lanes_.size(); ++i) {
      if (!b->lanes_[i].errands.empty()) {
        b->lanes_[i].owner = b;
        threads[i]->post_awaited(b->lanes_[i]);
      }
    }
  }

  /// Waits for the next response; nullptr: there are no more. Thread-safety: one thread.
  [[nodiscard]] response_to<Request>* next() {
    if (left_ == 0) {
      return nullptr;
    }
    if (!find_ready() && !yield_until([this] { return find_ready(); })) {
      while (!find_ready()) {
        sleep();
      }
    }
    --left_;
    return &lanes_[lane_].take();
  }

 private:
  struct lane final : job<Item> {
    void run(resident_items<Item>& items) noexcept override {
      answer([&](auto& each) { each.run(items); });
    }
    void refuse(item_status why) noexcept override {
      answer([&](auto& each) { each.refuse(why); });
    }
    template <class How>
    void answer(How how) noexcept {
      const std::shared_ptr<batch> keep = std::move(owner);
      for (auto& each : errands) {
        how(each);
        if (answered.advance()) {
          keep->sleeper_.wake();
        }
      }
    }

    /// For the caller.
    [[nodiscard]] bool ready() noexcept {
      return taken < seen || taken < (seen = answered.count());
    }
    [[nodiscard]] response_to<Request>& take() noexcept { return errands[taken++].response(); }

    std::vector<errand<Request>> errands;
    std::shared_ptr<batch> owner;  // while it is under way
    // What the caller writes, and what the thread writes, lie in lines of their own.
    alignas(64) std::size_t taken = 0;
    std::size_t seen = 0;  // answered, when last looked at
    alignas(64) progress answered;
  };

  /// Whether there is a response to take now: from lane_.
  [[nodiscard]] bool find_ready() noexcept {
    if constexpr (Order == response_order::as_sent) {
      lane_ = turns_[turns_.size() - left_];
      return lanes_[lane_].ready();
    } else {
      if (lanes_[lane_].taken < lanes_[lane_].seen) {
        return true;
      }
      for (std::size_t i = 0; i < lanes_.size(); ++i) {
        lane_ = (lane_ + 1) % lanes_.size();  // so that none waits for long behind a busy one
        if (lanes_[lane_].ready()) {
          return true;
        }
      }
      return false;
    }
  }

  /// Until a thread has answered more. May return sooner: announcements of earlier sleeps may be
  /// left with other lanes.
  void sleep() {
    bool news = false;
    for (lane& each : lanes_) {
      news = !each.answered.announce(each.seen) || news;
    }
    if (!news) {
      sleeper_.sleep();
    }
  }

  std::vector<lane> lanes_;
  std::vector<std::size_t> turns_;  // as_sent: whose lane has the next response
  std::size_t left_ = 0;
  std::size_t lane_ = 0;
  sleeper sleeper_;
};

}  // namespace millrace::detail
