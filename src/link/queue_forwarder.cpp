// The sending side of a queue link: a window of messages on loan, sent in order, and again from its
// beginning when the other side misses something or says nothing for too long.
#include <millrace/link/queue_link.hpp>

#include <algorithm>
#include <deque>
#include <random>
#include <span>
#include <utility>
#include <vector>

#include "link/relay.hpp"

namespace millrace {

namespace {

using clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

/// How long the other side may say nothing new while something is on its way: several times as long
/// as the latest answer took, and doubled each time that there is none.
constexpr std::chrono::nanoseconds shortest_silence = 500ms;
constexpr std::chrono::nanoseconds longest_silence = 8s;
constexpr int several = 4;
/// After a failure to send.
constexpr auto pause = 50ms;
/// How long to wait for acknowledgements before looking for new messages, and for a break.
constexpr auto glance = 1ms;
/// How long one that is told to stop waits for the acknowledgement of what is on its way.
constexpr auto farewell = 1s;
/// How many answers are heard before looking for new messages, and for a stop.
constexpr int answers_in_a_row = 64;

detail::forwarder_id random_id() {
  std::random_device random;
  detail::forwarder_id id;
  std::ranges::generate(id, [&] { return static_cast<std::byte>(random()); });
  return id;
}

}  // namespace

class queue_forwarder::run_state {
 public:
  explicit run_state(queue_forwarder& f) : f_(f) {}
  /// What was not acknowledged is given back.
  ~run_state() {
    for (auto& each : window_) {
      try {
        each.requeue();
      } catch (const error&) {
        // The queue is unusable, as its next user will hear.
      }
    }
  }
  run_state(const run_state&) = delete;
  run_state& operator=(const run_state&) = delete;

  status run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      if (const status s = fill(stop); s != status::ok) {
        return s;
      }
      if (f_.broken_.exchange(false)) {
        if (sent_ > 0 && f_.last_failure_ == link_status::ok) {
          f_.last_failure_.store(link_status::reset);
        }
        sent_ = 0;
        wait_after_failure(stop);
      }
      if (!send_unsent()) {
        wait_after_failure(stop);
        continue;
      }
      if (!hear(stop)) {
        return status::too_large;
      }
    }
    take_leave();
    return status::cancelled;
  }

 private:
  /// Takes messages out of the queue while the window has room; waits for one if it is empty.
  status fill(const std::stop_token& stop) {
    while (window_.size() < f_.window_) {
      auto next = window_.empty() ? f_.from_.dequeue(stop) : f_.from_.try_dequeue();
      if (!next) {
        const status s = f_.from_.last_status();
        return s == status::empty ? status::ok : s;
      }
      if (window_.empty()) {
        begin_to_wait();
      }
      window_.push_back(std::move(*next));
    }
    return status::ok;
  }

  /// False: it could not.
  bool send_unsent() {
    while (sent_ < window_.size()) {
      const std::size_t end = write_batch();
      const auto begin = clock::now();
      const link_status s = f_.link_.send(f_.to_, parts_);
      if (s != link_status::ok) {
        f_.last_failure_.store(s);
        sent_ = 0;
        return false;
      }
      sent_ = end;
      patience_until_ += clock::now() - begin;  // what is not there yet cannot be answered
    }
    return true;
  }

  /// Of what is unsent, as much as goes together; large messages from where they lie. Where that
  /// ends in the window.
  std::size_t write_batch() {
    const std::size_t end = end_of_batch();
    detail::write_relay_frame(frame_,
                              {detail::relay_kind::messages, id_, oldest_, oldest_ + sent_, {}});
    in_place_.clear();
    for (std::size_t i = sent_; i < end; ++i) {
      const auto bytes = window_[i].bytes();
      detail::append_number(frame_, bytes.size());
      if (bytes.size() < detail::least_in_place) {
        frame_.insert(frame_.end(), bytes.begin(), bytes.end());
      } else {
        in_place_.push_back({frame_.size(), bytes});
      }
    }
    parts_.clear();
    std::size_t at = 0;
    for (const auto& each : in_place_) {
      parts_.emplace_back(std::span(frame_).subspan(at, each.behind - at));
      parts_.push_back(each.bytes);
      at = each.behind;
    }
    parts_.emplace_back(std::span(frame_).subspan(at));
    return end;
  }

  [[nodiscard]] std::size_t end_of_batch() const {
    std::size_t end = sent_;
    std::size_t size = detail::relay_head_size;
    do {
      size += window_[end++].bytes().size() + detail::number_size;
    } while (end < window_.size() &&
             size + window_[end].bytes().size() <= detail::relay_batch_size);
    return end;
  }

  void wait_after_failure(const std::stop_token& stop) {
    datagram d;  // none is worth anything: all is sent again
    const auto until = clock::now() + pause;
    while (clock::now() < until &&
           f_.link_.receive_for(d, until - clock::now(), stop) == status::ok) {
    }
  }

  /// Takes what the other side says. False: it cannot take the oldest message.
  bool hear(const std::stop_token& stop) {
    datagram d;
    if (f_.link_.receive_for(d, glance, stop) == status::ok) {
      int heard = 0;
      do {
        if (!obey(d)) {
          return false;
        }
      } while (++heard < answers_in_a_row && f_.link_.try_receive(d) == status::ok);
    } else if (clock::now() >= patience_until_) {
      // Maybe the connection leads nowhere any more, which TCP would notice much later.
      try {
        f_.link_ = f_.new_link();
      } catch (const error&) {
        // No descriptors are left, or somebody is changing the certificates: it is tried again.
      }
      sent_ = 0;
      silence_ = std::min(2 * silence_, longest_silence);
      begin_to_wait();
    }
    return true;
  }

  /// What is given back although it has arrived will come twice.
  void take_leave() {
    const auto until = clock::now() + farewell;
    datagram d;
    while (sent_ > 0 && !f_.broken_ && clock::now() < until) {
      if (f_.link_.receive_for(d, glance) == status::ok && !obey(d)) {
        return;
      }
    }
  }

  /// False: the other side cannot take the oldest message.
  bool obey(const datagram& d) {
    const auto f = detail::read_relay_frame(d.bytes);
    if (!f || f->forwarder != id_) {
      return true;
    }
    switch (f->kind) {
    case detail::relay_kind::messages:
      return true;  // our own, from who echoes it: it is in no queue
    case detail::relay_kind::too_large:
      acknowledge(f->number - 1);
      return f->number != oldest_;
    case detail::relay_kind::resend:
      acknowledge(f->number);
      sent_ = 0;
      return true;
    case detail::relay_kind::acknowledged:
      acknowledge(f->number);
      return true;
    }
    return true;
  }

  void acknowledge(std::uint64_t number) {
    if (number < oldest_ || number - oldest_ >= window_.size()) {
      return;  // old news, or nonsense
    }
    const auto count = static_cast<std::size_t>(number - oldest_ + 1);
    window_.erase(window_.begin(), window_.begin() + static_cast<std::ptrdiff_t>(count));
    oldest_ += count;
    sent_ -= std::min(sent_, count);
    f_.forwarded_ += count;
    f_.last_failure_.store(link_status::ok);
    silence_ = std::clamp<std::chrono::nanoseconds>(several * (clock::now() - waiting_since_),
                                                    shortest_silence, longest_silence);
    begin_to_wait();
  }

  struct large_message {
    std::size_t behind;  // so many bytes of the frame
    std::span<const std::byte> bytes;
  };

  void begin_to_wait() {
    waiting_since_ = clock::now();
    patience_until_ = waiting_since_ + silence_;
  }

  queue_forwarder& f_;
  const detail::forwarder_id id_ = random_id();
  std::deque<message> window_;
  std::uint64_t oldest_ = 1;   // the number of the window's first
  std::size_t sent_ = 0;       // of the window, from its front; 0: all is to be sent again
  detail::byte_vector frame_;  // a batch, without its large messages
  std::vector<large_message> in_place_;            // these
  std::vector<std::span<const std::byte>> parts_;  // all of it, in order
  std::chrono::nanoseconds silence_ = shortest_silence;
  clock::time_point waiting_since_{};
  clock::time_point patience_until_{};
};

queue_forwarder::queue_forwarder(subscriber from, std::string to, std::size_t window,
                                 std::optional<tls_options> tls)
    : from_(std::move(from)), to_(std::move(to)), window_(std::max<std::size_t>(window, 1)),
      tls_(std::move(tls)), link_(new_link()) {}

queue_forwarder::~queue_forwarder() = default;

tcp_link queue_forwarder::new_link() {
  const auto on_drop = [this](const std::string&, drop_reason reason) {
    if (reason == drop_reason::untrusted) {
      // A peer that does not accept our certificate may say so after we have sent.
      last_failure_.store(link_status::untrusted);
    }
    broken_ = true;
  };
  return tcp_link({.address = "",
                   .tls = tls_,
                   .timeout = 2s,
                   .max_message_size = std::max(from_.max_message_size() + detail::relay_head_size,
                                                detail::relay_batch_size),
                   .on_drop = on_drop});
}

status queue_forwarder::run(const std::stop_token& stop) {
  return run_state(*this).run(stop);
}

}  // namespace millrace
