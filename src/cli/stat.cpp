// millrace stat: what a queue is, what happened in it and who takes part.
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <millrace/queue/inspect.hpp>
#include <nlohmann/json.hpp>

#include "arguments.hpp"
#include "names.hpp"
#include "quantities.hpp"
#include "streams.hpp"
#include "verbs.hpp"

namespace millrace::cli {

namespace {

struct stat_arguments {
  std::string name;
  std::filesystem::path directory;
  bool json = false;
};

std::string as_json(const queue_info& queue) {
  nlohmann::ordered_json participants = nlohmann::ordered_json::array();
  for (const participant_info& each : queue.participants) {
    participants.push_back({{"id", each.id},
                            {"pid", each.pid},
                            {"role", side_name(each.publishes)},
                            {"alive", each.alive},
                            {"messages", each.messages},
                            {"bytes", each.bytes},
                            {"redeliveries", each.redeliveries}});
  }
  nlohmann::ordered_json incidents = nlohmann::ordered_json::array();
  for (const incident& each : queue.incidents) {
    incidents.push_back({{"what", each.what == mishap::death ? "death" : "revocation"},
                         {"when", time_text(each.when)},
                         {"id", each.id},
                         {"pid", each.pid},
                         {"role", side_name(each.publishes)},
                         {"by", each.by},
                         {"abandoned", each.abandoned},
                         {"orphaned", each.orphaned},
                         {"dropped", each.dropped}});
  }
  const nlohmann::ordered_json all{{"name", queue.name},
                                   {"path", queue.path.string()},
                                   {"capacity", queue.capacity},
                                   {"block_size", queue.block_size},
                                   {"slots", queue.slots},
                                   {"file_size", queue.file_size},
                                   {"life", name_of(queue.life)},
                                   {"guarantee", name_of(queue.guarantee)},
                                   {"publishers", name_of(queue.publishers)},
                                   {"subscribers", name_of(queue.subscribers)},
                                   {"depth", queue.depth},
                                   {"depth_bytes", queue.depth_bytes},
                                   {"in_hands", queue.in_hands},
                                   {"in_progress", queue.in_progress},
                                   {"used_slots", queue.used_slots},
                                   {"published", queue.published},
                                   {"published_bytes", queue.published_bytes},
                                   {"finished", queue.finished},
                                   {"finished_bytes", queue.finished_bytes},
                                   {"redeliveries", queue.redeliveries},
                                   {"recoveries", queue.recoveries},
                                   {"abandoned", queue.abandoned},
                                   {"revocations", queue.revocations},
                                   {"participants", participants},
                                   {"incidents", incidents}};
  // A directory's name need not be UTF-8, JSON must be.
  return all.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + '\n';
}

std::string as_text(const incident& each) {
  const std::string who = fmt::format("{} pid {}", side_name(each.publishes), each.pid);
  if (each.what == mishap::revocation) {
    return fmt::format("{} left a claim standing; pid {} went around it", who, each.by);
  }
  std::string text = fmt::format("{} died; pid {} cleaned up", who, each.by);
  const auto add = [&text](std::uint64_t count, std::string_view what) {
    if (count != 0) {
      text += fmt::format(", {} {}", with_commas(count), what);
    }
  };
  add(each.abandoned, "being written abandoned");
  add(each.orphaned, "being read to be delivered again");
  add(each.dropped, "being read dropped");
  return text;
}

std::string as_text(const queue_info& queue) {
  std::string text;
  const auto line = [&text](std::string_view label, const std::string& value) {
    text += fmt::format("{:<14}{}\n", label, value);
  };
  const auto messages = [](std::uint64_t count, std::uint64_t bytes) {
    return fmt::format("{} messages, {} bytes", with_commas(count), with_commas(bytes));
  };
  line("queue", queue.name);
  line("file", fmt::format("{} ({})", queue.path.string(), size_text(queue.file_size)));
  line("capacity", fmt::format("{} in {} slots of {}", size_text(queue.capacity),
                               with_commas(queue.slots), size_text(queue.block_size)));
  line("kind", fmt::format("{}, {}, publishers {}, subscribers {}", name_of(queue.life),
                           name_of(queue.guarantee), name_of(queue.publishers),
                           name_of(queue.subscribers)));
  line("waiting", messages(queue.depth, queue.depth_bytes));
  line("in hands", fmt::format("{} being read, {} being written, {} of {} slots used",
                               with_commas(queue.in_hands), with_commas(queue.in_progress),
                               with_commas(queue.used_slots), with_commas(queue.slots)));
  line("published", messages(queue.published, queue.published_bytes));
  line("finished", messages(queue.finished, queue.finished_bytes));
  line("mishaps", fmt::format("{} redeliveries, {} recoveries, {} abandoned, {} revocations",
                              with_commas(queue.redeliveries), with_commas(queue.recoveries),
                              with_commas(queue.abandoned), with_commas(queue.revocations)));
  for (const incident& each : queue.incidents) {
    text += fmt::format("  {}  {}\n", time_text(each.when), as_text(each));
  }
  line("participants", with_commas(queue.participants.size()));
  for (const participant_info& each : queue.participants) {
    const std::string again = each.redeliveries == 0
                                  ? ""
                                  : fmt::format(", {} redelivered", with_commas(each.redeliveries));
    text += fmt::format("  {:<10} pid {:<8} {}{}{}\n", side_name(each.publishes), each.pid,
                        messages(each.messages, each.bytes), again, each.alive ? "" : ", dead");
  }
  return text;
}

}  // namespace

void add_stat(CLI::App& app, verb& chosen) {
  auto arguments = std::make_shared<stat_arguments>();
  CLI::App& stat = *app.add_subcommand("stat", "Print a queue's size, counts and participants");
  add_queue_name(stat, arguments->name);
  stat.add_flag("--json", arguments->json, "Print a JSON object");
  add_directory(stat, arguments->directory);
  stat.callback([arguments, &chosen] {
    chosen = [arguments] {
      const queue_info queue = millrace::stat(arguments->name, arguments->directory);
      write_text(arguments->json ? as_json(queue) : as_text(queue));
      return exit_code::ok;
    };
  });
}

}  // namespace millrace::cli
