// The pool: its lanes and their keepers, and how it ends.
#include <millrace/pool/process_pool.hpp>

#include <exception>
#include <mutex>

#include <fmt/format.h>

#include <millrace/core/error.hpp>
#include <millrace/pool/worker.hpp>

#include "os/child_process.hpp"
#include "os/fork_watch.hpp"
#include "pool/keeper.hpp"
#include "pool/lane.hpp"
#include "pool/pool_queues.hpp"

namespace millrace {

using detail::keeper;
using detail::lane;
using detail::steady_time;

namespace {

void check(const process_pool_options& options) {
  const auto refuse = [](std::string_view why) {
    throw error(errc::invalid_option, fmt::format("process_pool: {}", why));
  };
  if (options.workers == 0) {
    refuse("needs a worker at least");
  }
  if (options.restart.first_pause < std::chrono::nanoseconds::zero() ||
      options.restart.longest_pause < options.restart.first_pause) {
    refuse("the longest pause before a restart must not be shorter than the first");
  }
}

}  // namespace

struct process_pool::state {
  explicit state(const process_pool_options& options)
      : name(detail::new_pool_name()),
        directory(options.directory.empty() ? "" : std::filesystem::absolute(options.directory)) {
    auto queue = detail::pool_queue_options(directory, options.spin);
    queue.capacity = options.capacity;
    for (std::size_t i = 0; i < options.workers; ++i) {
      lanes.push_back(std::make_unique<lane>(name, i, queue));
    }
    for (std::size_t i = 0; i < options.workers; ++i) {
      keepers.push_back(std::make_unique<keeper>(*lanes[i], start_of(options, i), options.restart));
    }
  }

  [[nodiscard]] detail::worker_start start_of(const process_pool_options& options,
                                              std::size_t worker) const {
    detail::worker_start how{
        options.program.empty() ? os::own_program() : options.program, options.arguments, {}};
    how.arguments.push_back(
        worker_seat{.pool = name,
                    .number = worker,
                    .reports_redelivered = options.on_death == after_death::report,
                    .spin = options.spin,
                    .directory = directory.empty() ? default_directory() : directory}
            .to_argument());
    if (!options.processors.empty()) {
      how.processor = options.processors[worker % options.processors.size()];
    }
    return how;
  }

  [[nodiscard]] bool forked() const noexcept { return generation != os::fork_generation(); }

  void check_process() const {
    if (forked()) {
      throw error(errc::forked, "process_pool: it belongs to the parent of this process");
    }
  }

  [[nodiscard]] lane& of(routing_key key) {
    check_process();
    return *lanes[key.number() % lanes.size()];
  }

  status drain(steady_time deadline, const std::stop_token& stop) {
    check_process();
    for (const auto& each : lanes) {
      each->close();
    }
    for (const auto& each : lanes) {
      if (const status s = each->drain(deadline, stop); s != status::ok) {
        return s;
      }
    }
    for (const auto& each : keepers) {
      each->retire();
    }
    detail::remove_queues(name, directory);  // which ends those who serve them
    for (const auto& each : keepers) {
      if (const status s = each->wait(deadline, stop); s != status::ok) {
        return s;
      }
    }
    return status::ok;
  }

  void kill() {
    check_process();
    for (const auto& each : lanes) {
      each->close();
    }
    for (const auto& each : keepers) {
      each->kill();
    }
    for (const auto& each : keepers) {
      (void)each->wait(detail::never, {});
    }
    for (const auto& each : lanes) {
      each->fail(reply_outcome::stopped);
    }
    detail::remove_queues(name, directory);
  }

  const std::uint32_t generation = os::fork_generation();
  const std::string name;
  const std::filesystem::path directory;
  std::vector<std::unique_ptr<lane>> lanes;
  std::vector<std::unique_ptr<keeper>> keepers;  // after the lanes, which they use
};

process_pool::process_pool(const process_pool_options& options) {
  check(options);
  detail::remove_deserted(detail::pool_prefix, options.directory);
  state_ = std::make_unique<state>(options);
}

process_pool::~process_pool() {
  if (state_->forked()) {
    (void)state_.release();  // its threads are the parent's, as all else
    return;
  }
  try {
    state_->kill();
  } catch (const std::exception&) {  // what is left of the queues goes with their last participant
  }
}

status process_pool::try_send(routing_key key, std::span<const std::byte> bytes,
                              pending_reply& reply) {
  return state_->of(key).try_send(key.number(), bytes, reply);
}

status process_pool::send(routing_key key, std::span<const std::byte> bytes, pending_reply& reply,
                          std::stop_token stop) {
  return state_->of(key).send(key.number(), bytes, reply, detail::never, stop);
}

status process_pool::send_for(routing_key key, std::span<const std::byte> bytes,
                              std::chrono::nanoseconds time, pending_reply& reply,
                              std::stop_token stop) {
  return state_->of(key).send(key.number(), bytes, reply, detail::deadline_after(time), stop);
}

status process_pool::drain(std::stop_token stop) {
  return state_->drain(detail::never, stop);
}

status process_pool::drain_for(std::chrono::nanoseconds time, std::stop_token stop) {
  return state_->drain(detail::deadline_after(time), stop);
}

void process_pool::kill() {
  state_->kill();
}

std::size_t process_pool::worker_count() const noexcept {
  return state_->lanes.size();
}

std::size_t process_pool::worker_of(routing_key key) const noexcept {
  return key.number() % state_->lanes.size();
}

worker_info process_pool::worker(std::size_t number) const {
  return state_->keepers.at(number)->info();
}

std::size_t process_pool::max_message_size() const noexcept {
  return state_->lanes.front()->max_message_size();
}

}  // namespace millrace
