// From a queue into a stream. One thread does it all: it publishes, with an inbox to be answered on
// whose last word is the message's number, and now and then looks what has been answered.
#include <charconv>
#include <optional>
#include <thread>

#include "nats/outbox.hpp"
#include "nats/publish_answer.hpp"
#include "nats/session.hpp"
#include "nats/subjects.hpp"

namespace millrace {

namespace detail {

namespace {

using clock = std::chrono::steady_clock;

// JSStreamMessageExceedsMaximumErr: the stream takes no message of this length.
constexpr int exceeds_maximum = 10054;
// How many messages go before answers are looked for, and how long to wait for one more message
// while answers are out, or at all before looking whether the connection still stands.
constexpr int burst = 32;
constexpr std::chrono::milliseconds short_wait{1};
constexpr std::chrono::seconds long_wait{1};
// How long answers gather when there are too few, while no more messages may go.
constexpr std::chrono::microseconds nap{200};

class publishing {
 public:
  publishing(subscriber& from, const to_nats_options& options, const std::stop_token& stop)
      : from_(from), options_(options), stop_(stop), inbox_(new_inbox()),
        run_(inbox_.substr(inbox_.find('.') + 1)), outbox_(options.window) {}

  bridge_result run() {
    const session_course course{
        .server = options_.server,
        .write_timeout = options_.ack_timeout,
        .retry_pause = options_.retry_pause,
        .on_event = options_.on_event,
        .prepare = [this](auto& s) { ensure_stream(s, options_.stream, options_.subject); },
        .work = [this](auto& s) { publish_over(s); }};
    course.run(stop_);
    if (misfit_) {
      throw error(errc::invalid_option, *misfit_);
    }
    return result_;
  }

 private:
  void publish_over(const session& s) {
    connection_ = s.connection();
    const auto answers = s.listen(inbox_);
    answers_ = answers.get();
    heard_ = clock::now();
    send_again();
    std::optional<clock::time_point> ending;
    for (;;) {
      take_answers();
      if (stop_.stop_requested() || misfit_ || result_.ended == status::removed) {
        ending = ending.value_or(clock::now());
        if (outbox_.empty() || outbox_.awaited() == 0 ||
            clock::now() > *ending + options_.ack_timeout) {
          return;
        }
        wait_for_answer();
      } else if (outbox_.refused() != 0) {
        // Those that come after them wait, so that they are not overtaken by more than a window.
        if (outbox_.awaited() == 0) {
          pause(options_.retry_pause, stop_);
          send_again();
        } else {
          wait_for_answer();
        }
      } else if (outbox_.full()) {
        wait_for_room();
      } else {
        send_more();
      }
    }
  }

  void send_more() {
    for (int sent = 0; sent < burst && !outbox_.full() && !misfit_; ++sent) {
      auto next = from_.try_dequeue();
      if (!next && from_.last_status() == status::empty) {
        next = from_.dequeue_for(outbox_.empty() ? std::chrono::nanoseconds(long_wait) : short_wait,
                                 stop_);
      }
      if (!next) {
        if (from_.last_status() == status::removed) {
          result_.ended = status::removed;
        } else if (natsConnection_IsClosed(connection_)) {
          throw trouble("the connection broke");
        }
        return;
      }
      if (outbox_.empty()) {
        heard_ = clock::now();
      }
      const auto bytes = next->bytes();  // stay where they are when the loan moves
      send(outbox_.add(std::move(*next)), bytes);
    }
  }

  void send_again() {
    outbox_.send_again([this](std::uint64_t number, auto bytes) { send(number, bytes); });
    heard_ = clock::now();
  }

  void send(std::uint64_t number, std::span<const std::byte> bytes) {
    const auto size = static_cast<int>(std::min<std::size_t>(bytes.size(), INT_MAX));
    natsMsg* raw = nullptr;
    check(natsMsg_Create(&raw, options_.subject.c_str(), numbered(inbox_, number),
                         reinterpret_cast<const char*>(bytes.data()), size),
          "a message");
    const owned<natsMsg> message(raw);
    check(natsMsgHeader_Set(raw, "Nats-Msg-Id", numbered(run_, number)), "a message's id");
    const natsStatus s = natsConnection_PublishMsg(connection_, raw);
    if (s == NATS_MAX_PAYLOAD) {
      does_not_fit(number, fmt::format("a message of {} bytes is too large for the server, which "
                                       "takes {}, headers included",
                                       bytes.size(), natsConnection_GetMaxPayload(connection_)));
    } else {
      check(s, "publishing");
    }
  }

  /// PREFIX.NUMBER, valid until the next call.
  const char* numbered(const std::string& prefix, std::uint64_t number) {
    text_.assign(prefix).append(1, '.').append(fmt::format_int(number).c_str());
    return text_.c_str();
  }

  void take_answers() {
    natsMsg* raw = nullptr;
    while (next_answer(raw, 0)) {
      take(owned<natsMsg>(raw));
    }
    if (outbox_.awaited() != 0 && clock::now() > heard_ + options_.ack_timeout) {
      throw trouble(
          fmt::format("no acknowledgement for {} ms", milliseconds(options_.ack_timeout)));
    }
  }

  void wait_for_answer() {
    constexpr std::chrono::milliseconds a_while{20};
    natsMsg* raw = nullptr;
    if (next_answer(raw, milliseconds(a_while))) {
      take(owned<natsMsg>(raw));
    }
  }

  /// For many messages at once: each that was waited for would wake this thread.
  void wait_for_room() {
    const std::size_t enough = options_.window - options_.window / 4;
    take_answers();
    while (outbox_.size() > enough && outbox_.refused() == 0 && !misfit_ &&
           !stop_.stop_requested()) {
      std::this_thread::sleep_for(nap);
      take_answers();
    }
  }

  bool next_answer(natsMsg*& raw, std::int64_t milliseconds) {
    const natsStatus s = natsSubscription_NextMsg(&raw, answers_, milliseconds);
    if (s == NATS_TIMEOUT) {
      return false;
    }
    if (s == NATS_NO_RESPONDERS) {
      throw trouble(fmt::format("no stream takes subject '{}' now", options_.subject));
    }
    check(s, "waiting for an acknowledgement");
    return true;
  }

  void take(const owned<natsMsg>& message) {
    const std::string_view subject = natsMsg_GetSubject(message.get());
    const char* const end = subject.data() + subject.size();
    std::uint64_t number = 0;
    if (subject.size() <= inbox_.size() ||
        std::from_chars(subject.data() + inbox_.size() + 1, end, number).ptr != end) {
      return;
    }
    heard_ = clock::now();
    const publish_answer answer =
        read_answer({natsMsg_GetData(message.get()),
                     static_cast<std::size_t>(natsMsg_GetDataLength(message.get()))});
    if (answer.stored) {
      if (outbox_.settle(number)) {
        ++result_.messages;
        result_.repeated += answer.duplicate ? 1 : 0;
      }
    } else if (answer.error == exceeds_maximum) {
      does_not_fit(number, fmt::format("a message is too large for stream '{}': {}",
                                       options_.stream.name, answer.text));
    } else {
      if (outbox_.refused() == 0) {
        tell(options_.on_event, nats_event::refused,
             fmt::format("{} [{}]", answer.text, answer.error));
      }
      outbox_.refuse(number);
    }
  }

  void does_not_fit(std::uint64_t number, const std::string& why) {
    if (options_.when_oversized == oversized::skip) {
      if (outbox_.settle(number)) {
        ++result_.skipped;
        tell(options_.on_event, nats_event::skipped, why);
      }
    } else {
      misfit_ = why;
      outbox_.refuse(number);
    }
  }

  subscriber& from_;
  const to_nats_options& options_;
  const std::stop_token& stop_;
  const std::string inbox_;
  const std::string run_;  // names this run in the ids of its messages
  outbox outbox_;
  bridge_result result_{.ended = status::cancelled};
  std::optional<std::string> misfit_;  // why a message can never go, and the bridge ends
  std::string text_;
  // Of the session:
  natsConnection* connection_ = nullptr;
  natsSubscription* answers_ = nullptr;
  clock::time_point heard_;
};

}  // namespace
}  // namespace detail

bridge_result bridge_to_nats(subscriber& from, const to_nats_options& options,
                             const std::stop_token& stop) {
  if (options.subject.empty() || detail::has_wildcard(options.subject)) {
    throw error(errc::invalid_option,
                fmt::format("NATS: cannot publish to subject '{}'", options.subject));
  }
  if (options.window == 0) {
    throw error(errc::invalid_option, "NATS: the window must have room for a message");
  }
  return detail::publishing(from, options, stop).run();
}

}  // namespace millrace
