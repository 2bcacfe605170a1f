// The receiving side of a queue link.
#include <millrace/link/queue_link.hpp>

#include <algorithm>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "link/relay.hpp"

namespace millrace {

namespace {

/// Forwarders that are remembered, those that were heard last. One that was forgotten goes on by
/// the number that it says is its oldest; what it sends again then comes twice.
constexpr std::size_t most_forwarders = 4096;
/// Messages that go into the queue together. A frame may have millions, if they are empty.
constexpr std::size_t most_together = 1024;
/// Messages after which it is time to acknowledge, and to look for a stop, though more are there.
constexpr int many = 64;

}  // namespace

class queue_collector::run_state {
 public:
  explicit run_state(queue_collector& c) : c_(c) {}

  status run(const std::stop_token& stop) {
    datagram d;  // outside of the loop, so that its memory is used again
    for (;;) {
      const status received = c_.link_.receive(d, stop);
      if (received != status::ok) {
        return received;
      }
      int taken = 0;
      do {
        const auto f = detail::read_relay_frame(d.bytes);
        if (f && f->kind == detail::relay_kind::messages) {
          const status s = take(*f, d.from, stop);
          if (s != status::ok) {
            acknowledge_all();
            return s;
          }
        }
      } while (++taken < many && c_.link_.try_receive(d) == status::ok);
      acknowledge_all();
    }
  }

 private:
  struct forwarder {
    std::uint64_t last = 0;   // the queue has all up to this one
    std::uint64_t heard = 0;  // when, by the collector's count of messages
    bool owed = false;        // an answer
    bool missed = false;      // a number was left out, and that was said
    std::string from;
  };

  status take(const detail::relay_frame& f, const std::string& from, const std::stop_token& stop) {
    if (f.oldest == 0 || f.oldest > f.number) {
      return status::ok;  // nonsense
    }
    auto found = forwarders_.find(f.forwarder);
    if (found == forwarders_.end()) {
      if (forwarders_.size() >= most_forwarders) {
        forwarders_.erase(std::ranges::min_element(
            forwarders_, {}, [](const auto& each) { return each.second.heard; }));
      }
      found = forwarders_.try_emplace(f.forwarder).first;
    }
    forwarder& sender = found->second;
    sender.heard = ++heard_;
    sender.from = from;
    sender.owed = true;
    // What came before was acknowledged, maybe by another collector.
    sender.last = std::max(sender.last, f.oldest - 1);
    if (f.number > sender.last + 1) {
      if (!std::exchange(sender.missed, true)) {
        say(detail::relay_kind::resend, found->first, sender);
      }
      return status::ok;
    }
    std::uint64_t number = f.number;
    auto rest = f.messages;
    status s = status::ok;
    do {
      number = cut(rest, number, sender.last);
      sender.missed = sender.missed && new_.empty();
      s = put_all(found->first, sender, stop);
    } while (s == status::ok && !new_.empty());
    return s == status::too_large ? status::ok : s;
  }

  /// Takes the next new messages off the front, of which the first one has this number. The number
  /// of what follows them.
  std::uint64_t cut(std::span<const std::byte>& rest, std::uint64_t number, std::uint64_t last) {
    new_.clear();
    while (new_.size() < most_together) {
      const auto next = detail::next_relay_message(rest);
      if (!next) {
        break;
      }
      if (number++ > last) {  // once is enough
        new_.push_back(*next);
      }
    }
    return number;
  }

  /// What was cut. If one is too large, that is said, and those before it are in the queue.
  status put_all(const detail::forwarder_id& id, forwarder& sender, const std::stop_token& stop) {
    if (c_.to_.try_enqueue_batch(new_) == status::ok) {
      sender.last += new_.size();
      c_.collected_ += new_.size();
      return status::ok;
    }
    for (const auto& each : new_) {
      const status s = put(each, sender, stop);
      if (s == status::too_large) {
        ++sender.last;
        say(detail::relay_kind::too_large, id, sender);
        --sender.last;
      }
      if (s != status::ok) {
        return s;
      }
      ++sender.last;
      ++c_.collected_;
    }
    return status::ok;
  }

  status put(std::span<const std::byte> bytes, forwarder& sender, const std::stop_token& stop) {
    const status s = c_.to_.try_enqueue(bytes);
    if (s != status::full) {
      return s;
    }
    acknowledge_all();  // this may take long
    sender.owed = true;
    return c_.to_.enqueue(bytes, stop);
  }

  void acknowledge_all() {
    for (auto& [id, sender] : forwarders_) {
      if (std::exchange(sender.owed, false)) {
        say(detail::relay_kind::acknowledged, id, sender);
      }
    }
  }

  /// If it does not arrive, the forwarder sends again, and it is said again.
  void say(detail::relay_kind kind, const detail::forwarder_id& id, const forwarder& to) {
    detail::write_relay_frame(frame_, {kind, id, 0, to.last, {}});
    (void)c_.link_.try_send(to.from, frame_);
  }

  queue_collector& c_;
  std::map<detail::forwarder_id, forwarder> forwarders_;
  std::vector<std::span<const std::byte>> new_;  // those of a frame that are in hand
  std::uint64_t heard_ = 0;
  detail::byte_vector frame_;
};

queue_collector::queue_collector(publisher to, const std::string& address,
                                 std::optional<tls_options> tls)
    : to_(std::move(to)),
      link_({.address = address,
             .tls = std::move(tls),
             // Longer ones than the queue takes must arrive, to be refused by name.
             .max_message_size = std::max(link_options().max_message_size,
                                          to_.max_message_size() + detail::relay_head_size)}),
      state_(std::make_unique<run_state>(*this)) {}

queue_collector::~queue_collector() = default;

status queue_collector::run(const std::stop_token& stop) {
  return state_->run(stop);
}

}  // namespace millrace
