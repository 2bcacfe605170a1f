// JetStream by cnats alone: what tests compare the bridge with.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <nats/nats.h>

namespace test {

class jetstream {
 public:
  explicit jetstream(const std::string& url);
  jetstream(const jetstream&) = delete;
  jetstream& operator=(const jetstream&) = delete;
  ~jetstream();

  [[nodiscard]] jsCtx* context() const { return context_; }

  void make_stream(const char* name, const char* subject,
                   const std::function<void(jsStreamConfig&)>& change = {}) const;
  void make_consumer(const char* stream, const char* name,
                     const std::function<void(jsConsumerConfig&)>& change) const;
  void publish(const char* subject, const std::vector<std::string>& messages) const;
  void purge(const char* stream) const;
  /// The messages of a stream, from the oldest on.
  [[nodiscard]] std::vector<std::string> content(const char* stream) const;
  /// How many messages a stream holds; 0 if there is none.
  [[nodiscard]] std::uint64_t size(const char* stream) const;

  struct consumer_state {
    std::int64_t pending;     // delivered and not acknowledged
    std::uint64_t waiting;    // not delivered
    std::uint64_t ack_floor;  // all up to this one are acknowledged
  };
  [[nodiscard]] consumer_state consumer(const char* stream, const char* name) const;

 private:
  natsConnection* connection_ = nullptr;
  jsCtx* context_ = nullptr;
};

}  // namespace test
