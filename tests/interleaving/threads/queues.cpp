// local_queue and growing_queue: two producers, one consumer, and sometimes one who closes.
#include <algorithm>
#include <array>
#include <memory>
#include <optional>

#include <millrace/queue/growing_queue.hpp>
#include <millrace/queue/local_queue.hpp>

#include "atomics.hpp"
#include "scenarios.hpp"

namespace millrace::interleaving {
namespace {

constexpr unsigned producers = 2;

struct setting {
  std::size_t limit = 0;  // 0: none
  unsigned each = 3;      // messages by producer; the third is the first one sent by a guess
  unsigned before = 0;    // messages that have passed before
  bool closes = false;
  bool throws = false;  // every second message
};

/// How many messages the queue may hold, at most, from outside: to tell whether full was true.
class occupancy {
 public:
  explicit occupancy(std::size_t limit) : limit_(limit) {}

  void begin(unsigned producer) {
    ++in_work_;
    calls_[producer] = {true, 0};
    note();
  }
  void end(unsigned producer, status s) {
    --in_work_;
    calls_[producer].active = false;
    if (s == status::full) {
      stage::require(calls_[producer].peak >= limit_, "full was said, but it was not full");
    } else if (s == status::ok) {
      ++in_it_;
      stage::require(limit_ == 0 || in_it_ <= limit_ + 1 - (taking_ ? 0 : 1),
                     "more messages than the limit were in it");
    }
    note();
  }
  void threw(unsigned producer) {  // and takes room until the consumer comes by
    --in_work_;
    calls_[producer].active = false;
    ++pads_;
    note();
  }
  void begin_take() { taking_ = true; }
  void end_take(bool took) {
    taking_ = false;
    in_it_ -= took ? 1 : 0;
  }

 private:
  struct call {
    bool active = false;
    std::size_t peak = 0;
  };
  void note() {
    for (call& c : calls_) {
      c.peak = std::max(c.peak, in_it_ + pads_ + in_work_ - (c.active ? 1 : 0));
    }
  }

  const std::size_t limit_;
  std::array<call, producers> calls_;
  std::size_t in_work_ = 0;
  std::size_t in_it_ = 0;
  std::size_t pads_ = 0;
  bool taking_ = false;
};

template <class Queue, class Message>
class play {
 public:
  play(Queue& queue, const setting& s) : queue_(queue), setting_(s), room_(s.limit) {}

  void produce(unsigned who) {
    detail::tail_guess guess;
    for (unsigned i = 0, refused = 0; i < setting_.each && refused < 3;) {
      const bool too_late = closed_;
      Message m(who, i);
      m.moves_left = setting_.throws && i % 2 == 0 ? 0 : 99;
      room_.begin(who);
      try {
        const status s = queue_.try_enqueue(std::move(m), guess);
        room_.end(who, s);
        stage::require(!too_late || s == status::closed, "accepted after a close");
        if (s == status::closed) {
          stage::require(setting_.closes, "closed, but nobody closed it");
          break;
        }
        if (s == status::full) {
          ++refused;
          stage::give_way();
          continue;
        }
        account_.accepted(who, i);
      } catch (const std::runtime_error&) {
        room_.threw(who);
      }
      ++i;
    }
    stage::fence();
    ++ended_;
  }
  void consume() {
    for (bool goes_on = true; goes_on;) {
      goes_on = setting_.closes ? !queue_.drained() : ended_ < producers;
      room_.begin_take();
      const std::optional<Message> m = queue_.try_dequeue();
      stage::fence();  // from now on all others see the room
      room_.end_take(m.has_value());
      if (m) {
        stage::require(goes_on || !setting_.closes, "a message came out of what was drained");
        account_.received(m->sender, m->number);
        goes_on = true;
      } else {
        stage::give_way();
      }
    }
  }
  void close() {
    queue_.close();
    closed_ = true;
  }
  [[nodiscard]] std::string result() const { return account_.close(); }

 private:
  Queue& queue_;
  const setting setting_;
  occupancy room_;
  account account_{producers};
  unsigned ended_ = 0;
  bool closed_ = false;
};

template <class Queue, class Message>
std::string run(schedules& how, const setting& s) {
  std::string wrong;
  {
    std::unique_ptr<Queue> queue;
    if constexpr (std::is_constructible_v<Queue, std::size_t>) {
      queue = std::make_unique<Queue>(s.limit);
    } else {
      queue = std::make_unique<Queue>();
    }
    for (unsigned i = 0; i < s.before; ++i) {
      (void)queue->try_enqueue(Message(0, i));
      (void)queue->try_dequeue();
    }
    play<Queue, Message> p(*queue, s);
    std::vector<std::function<void()>> threads{[&] { p.produce(0); }, [&] { p.produce(1); },
                                               [&] { p.consume(); }};
    if (s.closes) {
      threads.emplace_back([&] { p.close(); });
    }
    wrong = stage::run(how, threads);
    if (wrong.empty()) {
      wrong = p.result();
    }
  }
  if (wrong.empty() && Message::alive != 0) {
    wrong = "messages were not destroyed, or more than once";
  }
  return wrong;
}

template <bool Throws>
std::string run_local(schedules& how, const setting& s) {
  return run<local_queue<message<Throws>, staged_atomics>, message<Throws>>(how, s);
}
template <bool Throws>
std::string run_growing(schedules& how, const setting& s) {
  return run<growing_queue<message<Throws>, staged_atomics, 2, 32>, message<Throws>>(how, s);
}

}  // namespace

std::vector<scenario> queue_scenarios() {
  std::vector<scenario> all;
  const auto add = [&](const std::string& name, unsigned deviations, std::uint64_t least, auto run,
                       const setting& s) {
    all.push_back(
        {name, deviations, 5'000, least, [run, s](schedules& how) { return run(how, s); }});
  };
  for (const std::size_t limit : {1u, 2u, 3u}) {
    const std::string name = "local_queue, limit " + std::to_string(limit);
    add(name, 3, 20'000, run_local<false>, {.limit = limit});
    add(name + ", close", 3, 20'000, run_local<false>, {.limit = limit, .closes = true});
    add(name + ", moves throw", 3, 20'000, run_local<true>,
        {.limit = limit, .closes = true, .throws = true});
  }
  // Segments of 2, 4, 8, 16 and then 32 slots.
  for (const unsigned before : {0u, 1u, 5u, 29u, 61u}) {
    const std::string name = "growing_queue, after " + std::to_string(before);
    add(name, 3, 20'000, run_growing<false>, {.before = before});
    add(name + ", close", 3, 20'000, run_growing<false>, {.before = before, .closes = true});
    add(name + ", moves throw", 3, 20'000, run_growing<true>,
        {.before = before, .closes = true, .throws = true});
  }
  add("growing_queue, many", 2, 20'000, run_growing<false>, {.each = 12});
  return all;
}

}  // namespace millrace::interleaving
