// From a stream into a queue. Two requests for a number of messages stand at the server in turns,
// each with its own word at the end of the inbox: when one is used up or has expired, it is made
// again while the other is being served.
#include <array>
#include <optional>

#include "nats/recent_messages.hpp"
#include "nats/session.hpp"

namespace millrace {

namespace detail {

namespace {

using clock = std::chrono::steady_clock;

// How long a request stands; and when to stop believing that it still does.
constexpr std::chrono::seconds request_time{10};
constexpr std::chrono::seconds silence{15};

class consuming {
 public:
  consuming(publisher& to, const from_nats_options& options, const std::stop_token& stop)
      : to_(to), options_(options), stop_(stop), inbox_(new_inbox()),
        next_(fmt::format("$JS.API.CONSUMER.MSG.NEXT.{}.{}", options.stream.name,
                          options.consumer)) {}

  bridge_result run() {
    const session_course course{.server = options_.server,
                                .write_timeout = silence,
                                .retry_pause = options_.retry_pause,
                                .on_event = options_.on_event,
                                .prepare =
                                    [this](auto& s) {
                                      ensure_stream(s, options_.stream, {});
                                      ensure_consumer(s, options_);
                                    },
                                .work = [this](auto& s) { consume_over(s); }};
    course.run(stop_);
    if (misfit_) {
      throw error(errc::invalid_option, *misfit_);
    }
    return result_;
  }

 private:
  void consume_over(const session& s) {
    connection_ = s.connection();
    auto messages = s.listen(inbox_);
    rest_.clear();
    wanted_ = {};
    heard_ = clock::now();
    while (!ending()) {
      ask();
      constexpr std::chrono::milliseconds a_while{50};
      natsMsg* raw = nullptr;
      const natsStatus status =
          natsSubscription_NextMsg(&raw, messages.get(), milliseconds(a_while));
      if (status == NATS_TIMEOUT) {
        if (clock::now() > heard_ + silence) {
          throw trouble("the server does not answer requests for messages");
        }
        continue;
      }
      if (status == NATS_NO_RESPONDERS) {
        throw trouble("no answer from JetStream to a request for messages");
      }
      check(status, "waiting for messages");
      take(owned<natsMsg>(raw));
      heard_ = clock::now();
    }
    give_back_the_rest(std::move(messages));
  }

  [[nodiscard]] bool ending() const {
    return stop_.stop_requested() || misfit_ || result_.ended == status::removed;
  }

  void ask() {
    for (std::size_t i = 0; i < wanted_.size(); ++i) {
      if (wanted_[i] == 0) {
        wanted_[i] = (options_.batch + 1) / 2;
        const std::string request = fmt::format(R"({{"batch":{},"expires":{}}})", wanted_[i],
                                                std::chrono::nanoseconds(request_time).count());
        check(natsConnection_PublishRequest(connection_, next_.c_str(),
                                            fmt::format("{}.{}", inbox_, i).c_str(), request.data(),
                                            static_cast<int>(request.size())),
              "asking for messages");
      }
    }
  }

  void take(owned<natsMsg> message) {
    const std::string_view subject = natsMsg_GetSubject(message.get());
    const std::size_t request = subject.back() == '0' ? 0 : 1;
    if (natsMsg_GetReply(message.get()) == nullptr) {  // not a message but word of the request
      wanted_[request] = 0;
      heed(*message);
      return;
    }
    if (wanted_[request] != 0) {
      --wanted_[request];
    }
    deliver(std::move(message));
  }

  static void heed(natsMsg& word) {
    const char* number = nullptr;
    const char* text = nullptr;
    natsMsgHeader_Get(&word, "Status", &number);
    natsMsgHeader_Get(&word, "Description", &text);
    const std::string_view code = number != nullptr ? number : "";
    if (code != "408" && code != "404") {  // not just that it expired
      throw trouble(fmt::format("the server ends a request for messages: {} {}", code,
                                text != nullptr ? text : ""));
    }
  }

  void deliver(owned<natsMsg> message) {
    const recent_messages::identity id = identify(*message);
    if (recent_.has(id)) {
      ++result_.repeated;
      answer(*message, "+ACK");
      return;
    }
    const auto bytes =
        std::as_bytes(std::span(natsMsg_GetData(message.get()),
                                static_cast<std::size_t>(natsMsg_GetDataLength(message.get()))));
    const status s = to_.enqueue(bytes, stop_);
    if (s == status::ok) {
      recent_.add(id);
      ++result_.messages;
      answer(*message, "+ACK");
    } else if (s == status::too_large) {
      does_not_fit(std::move(message), id, bytes.size());
    } else {
      if (s == status::removed) {
        result_.ended = s;
      }
      rest_.push_back(std::move(message));
    }
  }

  static recent_messages::identity identify(natsMsg& message) {
    jsMsgMetaData* raw = nullptr;
    check(natsMsg_GetMetaData(&raw, &message), "a message's sequence");
    const owned<jsMsgMetaData> data(raw);
    return {raw->Sequence.Stream, raw->Timestamp};
  }

  void does_not_fit(owned<natsMsg> message, const recent_messages::identity& id, std::size_t size) {
    const std::string why = fmt::format(
        "message {} of stream '{}' has {} bytes, and the queue takes {}, half of its capacity",
        id.sequence, options_.stream.name, size, to_.max_message_size());
    if (options_.when_oversized == oversized::skip) {
      ++result_.skipped;
      tell(options_.on_event, nats_event::skipped, why);
      answer(*message, "+TERM");
    } else {
      misfit_ = why;
      rest_.push_back(std::move(message));
    }
  }

  void answer(natsMsg& message, const char* word) {
    check(natsConnection_PublishString(connection_, natsMsg_GetReply(&message), word),
          "acknowledging");
  }

  /// The server gets what was acknowledged, and takes back what was fetched ahead; but not before
  /// it knows that nobody listens here any more, or it would deliver that here again.
  void give_back_the_rest(owned<natsSubscription> messages) {
    flush();
    natsMsg* raw = nullptr;
    while (natsSubscription_NextMsg(&raw, messages.get(), 0) == NATS_OK) {
      rest_.emplace_back(raw);
    }
    messages.reset();
    flush();
    for (const auto& message : rest_) {
      if (natsMsg_GetReply(message.get()) != nullptr) {
        answer(*message, "-NAK");
      }
    }
    flush();
  }

  void flush() {
    constexpr std::chrono::seconds a_while{1};
    check(natsConnection_FlushTimeout(connection_, milliseconds(a_while)), "flushing");
  }

  publisher& to_;
  const from_nats_options& options_;
  const std::stop_token& stop_;
  const std::string inbox_;
  const std::string next_;  // where requests for messages go
  recent_messages recent_;
  bridge_result result_{.ended = status::cancelled};
  std::optional<std::string> misfit_;  // why a message can never be enqueued, and the bridge ends
  // Of the session:
  natsConnection* connection_ = nullptr;
  std::vector<owned<natsMsg>> rest_;     // fetched, and not enqueued any more
  std::array<std::size_t, 2> wanted_{};  // how many messages each request is still good for
  clock::time_point heard_;
};

}  // namespace
}  // namespace detail

bridge_result bridge_from_nats(publisher& to, const from_nats_options& options,
                               const std::stop_token& stop) {
  if (options.consumer.empty() || options.consumer.find_first_of(".*> ") != std::string::npos) {
    throw error(errc::invalid_option,
                fmt::format("NATS: a consumer cannot be called '{}'", options.consumer));
  }
  if (options.batch == 0) {
    throw error(errc::invalid_option, "NATS: a batch must have room for a message");
  }
  return detail::consuming(to, options, stop).run();
}

}  // namespace millrace
