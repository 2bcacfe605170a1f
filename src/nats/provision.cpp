// The stream and the consumer: found as they should be, or made.
#include <algorithm>
#include <span>

#include "nats/session.hpp"
#include "nats/subjects.hpp"

namespace millrace::detail {

namespace {

// Errors of the server that pass by themselves: a cluster without a leader, a lack of resources.
constexpr int cluster_unavailable = 10008;
constexpr int insufficient_resources = 10023;

/// Throws trouble unless `s` is NATS_OK; `code` is what the server said.
void check_answer(natsStatus s, jsErrCode code, const std::string& step) {
  if (s == NATS_NO_RESPONDERS) {
    throw trouble(step + ": no answer from JetStream; is it enabled (nats-server -js)?");
  }
  const int number = code;  // not always there
  if (s == NATS_ERR && number != cluster_unavailable && number != insufficient_resources) {
    throw trouble(errc::system, fmt::format("{}: {} [{}]", step, explain(s), number));
  }
  check(s, step);
}

owned<jsStreamInfo> make_stream(const session& s, const nats_stream& stream,
                                const std::string& subject) {
  std::vector<const char*> subjects;
  for (const std::string& one : stream.subjects) {
    subjects.push_back(one.c_str());
  }
  if (subjects.empty() && !subject.empty()) {
    subjects.push_back(subject.c_str());
  }
  if (!stream.create || subjects.empty()) {
    throw trouble(errc::not_found, fmt::format("there is no stream '{}'{}", stream.name,
                                               stream.create ? ", and no subjects to make it for"
                                                             : ", and it is not to be created"));
  }
  jsStreamConfig config;
  jsStreamConfig_Init(&config);
  config.Name = stream.name.c_str();
  config.Subjects = subjects.data();
  config.SubjectsLen = static_cast<int>(subjects.size());
  config.Replicas = stream.replicas;
  config.Duplicates = stream.duplicate_window.count();
  jsStreamInfo* raw = nullptr;
  jsErrCode code{};
  check_answer(js_AddStream(&raw, s.jetstream(), &config, nullptr, &code), code,
               fmt::format("making stream '{}'", stream.name));
  return owned<jsStreamInfo>(raw);
}

owned<jsConsumerInfo> make_consumer(const session& s, const from_nats_options& options) {
  if (!options.create_consumer) {
    throw trouble(errc::not_found,
                  fmt::format("stream '{}' has no consumer '{}', and it is not to be created",
                              options.stream.name, options.consumer));
  }
  jsConsumerConfig config;
  jsConsumerConfig_Init(&config);
  config.Durable = options.consumer.c_str();
  config.AckPolicy = js_AckExplicit;
  config.AckWait = static_cast<std::chrono::nanoseconds>(options.ack_wait).count();
  config.MaxAckPending = options.max_ack_pending;
  config.FilterSubject = options.subject.empty() ? nullptr : options.subject.c_str();
  jsConsumerInfo* raw = nullptr;
  jsErrCode code{};
  check_answer(
      js_AddConsumer(&raw, s.jetstream(), options.stream.name.c_str(), &config, nullptr, &code),
      code, fmt::format("making consumer '{}'", options.consumer));
  return owned<jsConsumerInfo>(raw);
}

std::string text_or(const char* text, const char* otherwise) {
  return text != nullptr && *text != '\0' ? text : otherwise;
}

}  // namespace

void ensure_stream(const session& s, const nats_stream& stream, const std::string& subject) {
  jsStreamInfo* raw = nullptr;
  jsErrCode code{};
  const natsStatus found =
      js_GetStreamInfo(&raw, s.jetstream(), stream.name.c_str(), nullptr, &code);
  owned<jsStreamInfo> info(raw);
  if (found == NATS_NOT_FOUND) {
    info = make_stream(s, stream, subject);
  } else {
    check_answer(found, code, fmt::format("looking for stream '{}'", stream.name));
  }
  if (subject.empty()) {
    return;
  }
  const std::span<const char*> subjects(info->Config->Subjects,
                                        static_cast<std::size_t>(info->Config->SubjectsLen));
  if (std::ranges::none_of(subjects, [&](const char* held) { return takes(held, subject); })) {
    throw trouble(errc::option_mismatch,
                  fmt::format("stream '{}' does not hold subject '{}' but {}", stream.name, subject,
                              subjects.empty() ? "none of its own"
                                               : fmt::format("{}", fmt::join(subjects, ", "))));
  }
}

void ensure_consumer(const session& s, const from_nats_options& options) {
  jsConsumerInfo* raw = nullptr;
  jsErrCode code{};
  const natsStatus found = js_GetConsumerInfo(&raw, s.jetstream(), options.stream.name.c_str(),
                                              options.consumer.c_str(), nullptr, &code);
  owned<jsConsumerInfo> info(raw);
  if (found == NATS_NOT_FOUND) {
    info = make_consumer(s, options);
  } else {
    check_answer(found, code, fmt::format("looking for consumer '{}'", options.consumer));
  }
  const jsConsumerConfig& config = *info->Config;
  const auto refuse = [&](const std::string& why) {
    throw trouble(errc::option_mismatch, fmt::format("consumer '{}' of stream '{}' {}",
                                                     options.consumer, options.stream.name, why));
  };
  if (config.DeliverSubject != nullptr && *config.DeliverSubject != '\0') {
    refuse("is a push consumer, not a pull consumer");
  }
  if (config.AckPolicy != js_AckExplicit) {
    refuse("does not take explicit acknowledgements");
  }
  if (text_or(config.FilterSubject, "") != options.subject) {
    refuse(fmt::format("is for subject '{}', not '{}'", text_or(config.FilterSubject, "(all)"),
                       options.subject.empty() ? "(all)" : options.subject));
  }
  if (options.max_ack_pending.chosen() && config.MaxAckPending != options.max_ack_pending) {
    refuse(fmt::format("has max_ack_pending {}, not {}", config.MaxAckPending,
                       static_cast<std::int64_t>(options.max_ack_pending)));
  }
  const std::chrono::nanoseconds ack_wait = options.ack_wait;
  if (options.ack_wait.chosen() && config.AckWait != ack_wait.count()) {
    refuse(fmt::format("has ack_wait {} ns, not {} ns", config.AckWait, ack_wait.count()));
  }
}

}  // namespace millrace::detail
