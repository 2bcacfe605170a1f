#include "nats/jetstream.hpp"

#include <stdexcept>

namespace test {
namespace {

void must(natsStatus s, const char* what) {
  if (s != NATS_OK) {
    throw std::runtime_error(std::string(what) + ": " + natsStatus_GetText(s));
  }
}

}  // namespace

jetstream::jetstream(const std::string& url) {
  must(natsConnection_ConnectTo(&connection_, url.c_str()), "connecting");
  must(natsConnection_JetStream(&context_, connection_, nullptr), "JetStream");
}

jetstream::~jetstream() {
  jsCtx_Destroy(context_);
  natsConnection_Destroy(connection_);
}

void jetstream::make_stream(const char* name, const char* subject,
                            const std::function<void(jsStreamConfig&)>& change) const {
  jsStreamConfig config;
  jsStreamConfig_Init(&config);
  config.Name = name;
  config.Subjects = &subject;
  config.SubjectsLen = 1;
  if (change) {
    change(config);
  }
  must(js_AddStream(nullptr, context_, &config, nullptr, nullptr), "making a stream");
}

void jetstream::make_consumer(const char* stream, const char* name,
                              const std::function<void(jsConsumerConfig&)>& change) const {
  jsConsumerConfig config;
  jsConsumerConfig_Init(&config);
  config.Durable = name;
  config.AckPolicy = js_AckExplicit;
  change(config);
  must(js_AddConsumer(nullptr, context_, stream, &config, nullptr, nullptr), "making a consumer");
}

void jetstream::publish(const char* subject, const std::vector<std::string>& messages) const {
  for (const std::string& message : messages) {
    must(js_PublishAsync(context_, subject, message.data(), static_cast<int>(message.size()),
                         nullptr),
         "publishing");
  }
  must(js_PublishAsyncComplete(context_, nullptr), "acknowledgements");
}

void jetstream::purge(const char* stream) const {
  must(js_PurgeStream(context_, stream, nullptr, nullptr), "purging");
}

std::vector<std::string> jetstream::content(const char* stream) const {
  jsStreamInfo* info = nullptr;
  must(js_GetStreamInfo(&info, context_, stream, nullptr, nullptr), "looking for a stream");
  const std::uint64_t count = info->State.Msgs;
  const std::string subject = info->Config->Subjects[0];
  jsStreamInfo_Destroy(info);
  jsSubOptions options;
  jsSubOptions_Init(&options);
  options.Stream = stream;
  options.Ordered = true;
  natsSubscription* subscription = nullptr;
  must(js_SubscribeSync(&subscription, context_, subject.c_str(), nullptr, &options, nullptr),
       "reading");
  std::vector<std::string> messages;
  while (messages.size() < count) {
    natsMsg* message = nullptr;
    must(natsSubscription_NextMsg(&message, subscription, 10'000), "reading a message");
    messages.emplace_back(natsMsg_GetData(message),
                          static_cast<std::size_t>(natsMsg_GetDataLength(message)));
    natsMsg_Destroy(message);
  }
  natsSubscription_Destroy(subscription);
  return messages;
}

std::uint64_t jetstream::size(const char* stream) const {
  jsStreamInfo* info = nullptr;
  if (js_GetStreamInfo(&info, context_, stream, nullptr, nullptr) != NATS_OK) {
    return 0;
  }
  const std::uint64_t count = info->State.Msgs;
  jsStreamInfo_Destroy(info);
  return count;
}

jetstream::consumer_state jetstream::consumer(const char* stream, const char* name) const {
  jsConsumerInfo* info = nullptr;
  must(js_GetConsumerInfo(&info, context_, stream, name, nullptr, nullptr), "consumer");
  const consumer_state state{info->NumAckPending, info->NumPending, info->AckFloor.Stream};
  jsConsumerInfo_Destroy(info);
  return state;
}

}  // namespace test
