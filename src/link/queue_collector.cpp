// The receiving side of a queue link.
#include <millrace/link/queue_link.hpp>

#include <algorithm>
#include <map>
#include <utility>

#include "link/relay.hpp"

namespace millrace {

namespace {

/// Forwarders that are remembered. One that was forgotten goes on by the number that it says is its
/// oldest; what it sends again then comes twice.
constexpr std::size_t most_forwarders = 4096;
/// Messages after which it is time to acknowledge though more are there.
constexpr std::uint64_t many = 64;

}  // namespace

class queue_collector::run_state {
 public:
  explicit run_state(queue_collector& c) : c_(c) {}

  status run(const std::stop_token& stop) {
    for (;;) {
      datagram d;
      const status received = c_.link_.receive(d, stop);
      if (received != status::ok) {
        return received;
      }
      do {
        const auto f = detail::read_relay_frame(d.bytes);
        if (f && f->kind == detail::relay_kind::message) {
          const status s = take(*f, d.from, stop);
          if (s != status::ok) {
            acknowledge_all();
            return s;
          }
        }
      } while (c_.link_.try_receive(d) == status::ok);
      acknowledge_all();
    }
  }

 private:
  struct forwarder {
    std::uint64_t last = 0;  // the queue has all up to this one
    std::uint64_t acknowledged = 0;
    bool owed = false;    // an answer
    bool missed = false;  // a number was left out, and that was said
    std::string from;
  };

  status take(const detail::relay_frame& f, const std::string& from, const std::stop_token& stop) {
    auto found = forwarders_.find(f.forwarder);
    if (found == forwarders_.end()) {
      if (forwarders_.size() >= most_forwarders) {
        forwarders_.erase(forwarders_.begin());
      }
      found = forwarders_.try_emplace(f.forwarder).first;
      found->second.last = f.oldest - 1;
    }
    forwarder& sender = found->second;
    sender.from = from;
    sender.owed = true;
    if (f.number <= sender.last) {
      return status::ok;  // once is enough
    }
    if (f.number > sender.last + 1) {
      if (!std::exchange(sender.missed, true)) {
        say(detail::relay_kind::resend, found->first, sender);
      }
      return status::ok;
    }
    switch (const status s = c_.to_.enqueue(f.bytes, stop)) {
    case status::ok:
      break;
    case status::too_large:
      ++sender.last;
      say(detail::relay_kind::too_large, found->first, sender);
      --sender.last;
      return status::ok;
    default:
      return s;
    }
    ++c_.collected_;
    sender.last = f.number;
    sender.missed = false;
    if (sender.last - sender.acknowledged >= many) {
      acknowledge(found->first, sender);
    }
    return status::ok;
  }

  void acknowledge_all() {
    for (auto& [id, sender] : forwarders_) {
      if (sender.owed) {
        acknowledge(id, sender);
      }
    }
  }

  void acknowledge(const detail::forwarder_id& id, forwarder& sender) {
    say(detail::relay_kind::acknowledged, id, sender);
    sender.acknowledged = sender.last;
    sender.owed = false;
  }

  /// If it does not arrive, the forwarder sends again, and it is said again.
  void say(detail::relay_kind kind, const detail::forwarder_id& id, const forwarder& to) {
    detail::write_relay_frame(frame_, {kind, id, 0, to.last, {}});
    (void)c_.link_.post(to.from, frame_, std::chrono::nanoseconds::zero());
  }

  queue_collector& c_;
  std::map<detail::forwarder_id, forwarder> forwarders_;
  detail::byte_vector frame_;
};

queue_collector::queue_collector(publisher to, const std::string& address)
    : to_(std::move(to)),
      link_({.address = address,
             // Longer ones than the queue takes must arrive, to be refused by name.
             .max_message_size = std::max(link_options().max_message_size,
                                          to_.max_message_size() + detail::relay_head_size)}),
      state_(std::make_unique<run_state>(*this)) {}

queue_collector::~queue_collector() = default;

status queue_collector::run(const std::stop_token& stop) {
  return state_->run(stop);
}

}  // namespace millrace
