// millrace subscribe: writes messages to standard output.
//
// A message is done once the kernel has all of its bytes, so what is read ahead stays on loan until
// then: a reader that closes the pipe, a full disk or a crash cost no message, at worst one comes
// twice.
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <millrace/queue/inspect.hpp>
#include <millrace/queue/subscriber.hpp>

#include "arguments.hpp"
#include "interruption.hpp"
#include "quantities.hpp"
#include "streams.hpp"
#include "verbs.hpp"

namespace millrace::cli {

namespace {

using clock = std::chrono::steady_clock;

struct subscribe_arguments {
  std::string name;
  queue_options options;
  delimiter ends = '\n';
  std::optional<std::uint64_t> count;
  std::optional<std::chrono::nanoseconds> timeout;
  std::string timeout_text;
  bool follow = false;

  /// Whether an empty queue, or none yet, is something to wait for.
  [[nodiscard]] bool waits() const { return count.value_or(0) > 0 || timeout || follow; }
};

/// Messages on loan on their way to standard output.
class outgoing {
 public:
  /// REQUIRES: as many slots as the queue has; an eighth of them may be held at once.
  outgoing(const queue_info& queue, delimiter ends)
      : ends_(ends), block_size_(queue.block_size), most_slots_(queue.slots / 8) {
    messages_.reserve(most_messages);
    parts_.reserve(2 * most_messages);
  }
  /// What was not flushed because something threw is given back.
  ~outgoing() {
    for (message& each : messages_) {
      try {
        each.requeue();
      } catch (const error&) {
        // The queue is unusable, which is being reported already.
      }
    }
  }
  outgoing(const outgoing&) = delete;
  outgoing& operator=(const outgoing&) = delete;

  void add(message&& next) {
    slots_ += next.bytes().size() / block_size_ + 1;
    messages_.push_back(std::move(next));
  }

  [[nodiscard]] bool full() const {
    return messages_.size() == most_messages || slots_ >= most_slots_;
  }

  /// Writes all of them and finishes those that were written wholly; gives the others back and
  /// throws output_closed, failure, or interrupted.
  void flush(const std::stop_token& stop) {
    if (messages_.empty()) {
      return;
    }
    const char end = ends_.value_or('\0');
    const std::size_t end_size = ends_ ? 1 : 0;
    parts_.clear();
    std::size_t total = 0;
    for (const message& each : messages_) {
      parts_.push_back(each.bytes());
      parts_.push_back(std::as_bytes(std::span(&end, end_size)));
      total += each.bytes().size() + end_size;
    }
    const write_result result = write_parts(parts_, stop);
    if (result.bytes < total) {
      std::size_t end_of_message = 0;
      for (message& each : messages_) {
        end_of_message += each.bytes().size() + end_size;
        if (end_of_message > result.bytes) {
          each.requeue();
        }
      }
    }
    messages_.clear();
    slots_ = 0;
    if (result.error) {
      throw_write_error(result.error);
    }
    if (result.bytes < total) {
      throw interrupted();
    }
  }

 private:
  static constexpr std::size_t most_messages = 64;

  delimiter ends_;
  std::size_t block_size_;
  std::size_t most_slots_;
  std::size_t slots_ = 0;
  std::vector<message> messages_;
  std::vector<std::span<const std::byte>> parts_;
};

/// One run of the verb.
class subscribing {
 public:
  subscribing(const subscribe_arguments& arguments, const interruption& signals)
      : arguments_(arguments), stop_(signals.token()) {}

  exit_code run() {
    waiting_since_ = clock::now();
    try {
      subscriber from = open();
      outgoing out(millrace::stat(arguments_.name, arguments_.options.directory), arguments_.ends);
      pass_on(from, out);
    } catch (const interrupted&) {
      // This is how a command that follows for ever ends; one that counts has failed to.
      if (arguments_.count) {
        throw failure(exit_code::failed,
                      fmt::format("interrupted after {} of {} messages; the others are still to "
                                  "come from queue {}",
                                  with_commas(taken_), with_commas(*arguments_.count),
                                  arguments_.name));
      }
    }
    return exit_code::ok;
  }

 private:
  /// Does not make the queue: how large it should be is its publisher's choice.
  subscriber open() const {
    auto pause = std::chrono::milliseconds(5);
    for (;;) {
      try {
        return subscriber(arguments_.name, arguments_.options);
      } catch (const error& e) {
        if (e.code() != errc::not_found || !arguments_.waits()) {
          throw;
        }
      }
      if (stop_.stop_requested()) {
        throw interrupted();
      }
      if (arguments_.timeout && time_left() <= std::chrono::nanoseconds::zero()) {
        throw timed_out();
      }
      std::this_thread::sleep_for(
          arguments_.timeout ? std::min<std::chrono::nanoseconds>(pause, time_left()) : pause);
      pause = std::min(pause * 2, std::chrono::milliseconds(100));
    }
  }

  void pass_on(subscriber& from, outgoing& out) {
    while (!arguments_.count || taken_ < *arguments_.count) {
      if (stop_.stop_requested()) {
        out.flush(stop_);
        throw interrupted();
      }
      auto next = from.try_dequeue();
      if (!next) {
        out.flush(stop_);
        if (from.last_status() == status::empty && !arguments_.waits()) {
          return;
        }
        next = wait(from);
      }
      out.add(std::move(*next));
      ++taken_;
      if (out.full()) {
        out.flush(stop_);
      }
      waiting_since_.reset();
    }
    out.flush(stop_);
  }

  message wait(subscriber& from) {
    std::optional<message> next;
    if (from.last_status() == status::empty) {
      if (!waiting_since_) {
        waiting_since_ = clock::now();
      }
      next = arguments_.timeout ? from.dequeue_for(time_left(), stop_) : from.dequeue(stop_);
    }
    if (next) {
      return std::move(*next);
    }
    if (from.last_status() == status::timeout) {
      throw timed_out();
    }
    if (from.last_status() == status::removed) {
      throw failure(exit_code::failed,
                    fmt::format("queue {} was removed after {} messages; subscribe again to wait "
                                "for a new one",
                                arguments_.name, with_commas(taken_)));
    }
    throw interrupted();
  }

  [[nodiscard]] std::chrono::nanoseconds time_left() const {
    return std::max(*arguments_.timeout - (clock::now() - *waiting_since_),
                    std::chrono::nanoseconds::zero());
  }

  [[nodiscard]] failure timed_out() const {
    return {exit_code::timed_out,
            fmt::format("no message came to queue {} within {}; check that its publisher runs, or "
                        "choose a longer --timeout",
                        arguments_.name, arguments_.timeout_text)};
  }

  const subscribe_arguments& arguments_;
  std::stop_token stop_;
  std::optional<clock::time_point> waiting_since_;  // for the next message
  std::uint64_t taken_ = 0;
};

}  // namespace

void add_subscribe(CLI::App& app, verb& chosen) {
  auto arguments = std::make_shared<subscribe_arguments>();
  CLI::App& subscribe =
      *app.add_subcommand("subscribe", "Take messages from a queue and print each as a line");
  subscribe.footer(
      "Without --count, --timeout and --follow it prints what the queue holds and ends. With one "
      "of\n"
      "them it waits for messages, and for the queue itself if there is none yet. Exits with 3 "
      "when\n"
      "a message takes longer than --timeout. A message that could not be written stays in the "
      "queue.");
  add_queue_name(subscribe, arguments->name);
  add_count(subscribe, arguments->count, "End after so many messages");
  subscribe
      .add_option_function<std::string>(
          "--timeout",
          [arguments = arguments.get()](const std::string& text) {
            arguments->timeout = parse_duration(text);
            arguments->timeout_text = text;
            if (!arguments->timeout) {
              throw failure(exit_code::usage,
                            fmt::format("--timeout cannot be '{}'; write a time such as 5s, 250ms "
                                        "or 2m",
                                        text));
            }
          },
          "Longest wait for the next message, such as 5s or 250ms")
      ->type_name("TIME");
  subscribe.add_flag("--follow", arguments->follow, "Go on until interrupted");
  add_delimiter(subscribe, arguments->ends);
  add_permissions(subscribe, arguments->options);
  add_directory(subscribe, arguments->options.directory);
  subscribe.callback([arguments, &chosen] {
    chosen = [arguments] {
      arguments->options.open = opening::open_only;
      const interruption signals;
      return subscribing(*arguments, signals).run();
    };
  });
}

}  // namespace millrace::cli
