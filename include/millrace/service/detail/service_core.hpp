// What a service is without the types of its commands: takes calls out of its queue, keeps them in
// its hands until they are answered, and sends the answers to their clients.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include <millrace/detail/deadline.hpp>
#include <millrace/queue/publisher.hpp>
#include <millrace/queue/subscriber.hpp>
#include <millrace/service/detail/frame.hpp>
#include <millrace/service/options.hpp>

namespace millrace::detail {

class service_core {
 public:
  /// A call or a cast in hand. Its message goes back to the queue if this process dies before
  /// finish(), and the service is at_least_once.
  struct command {
    request_header header;
    std::span<const std::byte> content;
    std::size_t hand;
    bool redelivered;
  };

  service_core(std::string_view name, const service_options& options, std::string description);
  service_core(const service_core&) = delete;
  service_core& operator=(const service_core&) = delete;
  ~service_core() = default;

  /// By the serving thread. Nothing: time is up, a stop was asked for, or the queue was removed.
  [[nodiscard]] std::optional<command> receive(steady_time deadline, const std::stop_token& stop);
  /// By any thread: sends the answer to a call, and finishes it once that is sent. Throws nothing:
  /// what a client's queue does not take is lost with that client.
  void reply(const request_header& to, std::size_t hand, reply_kind kind,
             const body& content) noexcept;
  /// By the serving thread: the command will not be delivered again.
  void finish(std::size_t hand) noexcept;
  /// When nobody receives. What is in hand goes back to the queue; later replies go nowhere.
  void leave() noexcept;

 private:
  static constexpr std::size_t no_hand = ~std::size_t{0};

  /// An answer that a full reply queue did not take.
  struct delayed_reply {
    reply_header header;
    std::string content;
    std::size_t hand;
  };
  struct peer {
    publisher replies;
    std::deque<delayed_reply> delayed = {};
  };

  // With the mutex. Nothing: there is no such client any more.
  [[nodiscard]] peer* find(std::uint64_t number);
  peer* greet(std::uint64_t number);
  /// `within`: how long to wait for the server before to leave its queue.
  [[nodiscard]] peer* open(std::uint64_t number, std::chrono::nanoseconds within);
  /// False: the answer is delayed.
  bool send(peer& to, const reply_header& header, const body& content, std::size_t hand);
  void forget(std::uint64_t number);
  void answered(std::size_t hand) noexcept;

  void greet_all();
  void make_room();
  [[nodiscard]] std::size_t hold(message&& m) noexcept;
  void end_finished();
  void tend();
  void send_delayed();
  [[nodiscard]] bool send_delayed_to(peer& to);
  void forget_the_dead();
  void remove_orphans();

  const std::string name_;
  const service_options options_;
  const std::string description_;
  const std::uint64_t fingerprint_;
  const std::uint64_t number_;  // of this server

  // The serving thread's.
  std::optional<subscriber> requests_;
  std::vector<std::optional<message>> in_hand_;
  std::vector<std::size_t> free_hands_;
  std::uint32_t received_ = 0;
  steady_time next_roll_call_{};
  std::atomic<std::thread::id> serving_{};

  std::mutex mutex_;  // for all below
  bool left_ = false;
  std::unordered_map<std::uint64_t, peer> clients_;
  std::vector<std::size_t> finished_;  // by other threads
  std::atomic<bool> any_finished_{false};
  std::atomic<bool> any_delayed_{false};
};

}  // namespace millrace::detail
