// What a client is without the types of its commands.
//
// Replies come over one queue, and a queue's handle is used by one thread at a time. So one thread
// leads: it takes replies, its own and those of others, until it has what it waits for. The others
// follow: they sleep until their reply was taken by the leader, or there is none, when one of them
// leads. A thread that calls thus fetches its own reply when nobody else does. Replies that no
// thread waits for here (call_async, delegate_call) are the listener's, a thread that the first
// such call starts, and which leads as long as there are any.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <millrace/detail/deadline.hpp>
#include <millrace/queue/publisher.hpp>
#include <millrace/queue/subscriber.hpp>
#include <millrace/service/detail/frame.hpp>
#include <millrace/service/detail/kept_reply.hpp>
#include <millrace/service/detail/outgoing.hpp>
#include <millrace/service/options.hpp>

namespace millrace::detail {

class client_core {
 public:
  client_core(std::string_view service, const client_options& options, std::string description);
  client_core(const client_core&) = delete;
  client_core& operator=(const client_core&) = delete;

  /// In a forked child it leaves everything as it is: the reply queue is the parent's, and the
  /// listener did not come along, so that nobody could join it.
  struct release {
    void operator()(client_core* core) const noexcept;
  };

  /// False: there was no room in time, or never will be. True: `what.reply` was taken, and will be
  /// answered or dropped.
  bool send(const outgoing& what, const std::stop_token& stop) {
    return send(what, nullptr, std::nullopt, stop);
  }

  /// One call by a thread that then waits for the reply.
  class attended_call {
   public:
    attended_call(client_core& core, steady_time deadline, const std::stop_token& stop)
        : core_(core), deadline_(deadline), stop_(stop) {}
    attended_call(const attended_call&) = delete;
    attended_call& operator=(const attended_call&) = delete;
    ~attended_call() {
      if (leads_) {
        core_.step_down();
      }
    }

    /// As client_core::send.
    bool send(const outgoing& what) { return core_.send(what, this, deadline_, stop_); }
    /// Takes replies, or has another thread take them, until `ready()`, which is returned.
    template <class Ready>
    [[nodiscard]] bool wait_until(Ready ready) {
      while (!ready() && core_.wait(*this, condition(ready))) {
      }
      return ready();
    }

   private:
    friend client_core;
    client_core& core_;
    const steady_time deadline_;
    const std::stop_token& stop_;
    bool leads_ = false;
  };

 private:
  ~client_core();

  /// What a thread waits for, of any type.
  class condition {
   public:
    template <class Ready>
    explicit condition(Ready& ready) noexcept
        : ready_(&ready), ask_([](void* r) -> bool { return (*static_cast<Ready*>(r))(); }) {}
    bool operator()() const { return ask_(ready_); }

   private:
    void* ready_;
    bool (*ask_)(void*);
  };

  /// Ends with a step down, whatever is thrown.
  class leadership {
   public:
    explicit leadership(client_core& core) noexcept : core_(core) {}
    leadership(const leadership&) = delete;
    leadership& operator=(const leadership&) = delete;
    ~leadership() { core_.step_down(); }

   private:
    client_core& core_;
  };

  struct call_under_way {
    std::uint64_t number = 0;  // 0: this place is free
    std::uint64_t server = 0;  // who may have it; 0: whoever comes
    bool attended = true;
    kept_reply reply = {};
  };

  void connect(std::string_view service, const client_options& options);

  /// `by`: the call that the sending thread will wait for; none: the listener does. No deadline:
  /// as the options say.
  bool send(const outgoing& what, attended_call* by, std::optional<steady_time> deadline,
            const std::stop_token& stop);
  status try_send(const outgoing& what, attended_call* by);
  void hear_news(std::unique_lock<std::mutex>& lock);
  [[nodiscard]] std::uint32_t free_ticket();
  void enter(std::uint32_t ticket, const outgoing& what, attended_call* by);
  call_under_way leave(std::size_t ticket);

  /// False: time is up, or a stop was asked for.
  bool wait(attended_call& by, const condition& ready);
  /// Takes one reply.
  void lead_for(std::chrono::nanoseconds time, const std::stop_token& stop);
  void step_down();
  void listen(const std::stop_token& stop);
  [[nodiscard]] bool anything_unattended();

  void take(const message& reply);
  void take_reply(const reply_header& header, std::span<const std::byte> rest);
  void tell_followers();
  void greeted(std::uint64_t server, std::string_view description);
  void refuse(std::string why);
  void look_after_server();
  [[nodiscard]] bool requests_removed();
  /// Ends the calls of which `ends` says so.
  template <class Ends>
  void end_calls(Ends ends, reply_kind kind, std::string_view text = {});

  const std::string service_;
  const std::string description_;
  const std::uint64_t fingerprint_;
  const std::uint32_t generation_;  // of forks
  const std::filesystem::path directory_;
  const std::chrono::nanoseconds send_within_;
  delivery guarantee_{};
  std::uint64_t number_ = 0;
  std::string reply_queue_;

  std::mutex mutex_;  // for all below, but the leader uses replies_ without
  std::optional<publisher> requests_;
  std::optional<subscriber> replies_;
  bool led_ = false;
  std::condition_variable_any turn_;  // led_, a follower's reply, or unattended_ has changed
  std::size_t followers_ = 0;
  std::vector<call_under_way> calls_;
  std::vector<std::uint32_t> free_;
  std::size_t unattended_ = 0;
  std::uint64_t server_ = 0;  // whose greeting came last; 0: it is gone
  bool greeted_ = false;
  std::string refusal_;    // why this service is none for us
  std::jthread listener_;  // last: it uses the others
};

}  // namespace millrace::detail
