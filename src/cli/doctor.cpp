// millrace doctor: is a queue in order, who holds what in it, and what can be put right?
#include <algorithm>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <millrace/queue/doctor.hpp>
#include <nlohmann/json.hpp>

#include "arguments.hpp"
#include "names.hpp"
#include "quantities.hpp"
#include "streams.hpp"
#include "verbs.hpp"

namespace millrace::cli {

namespace {

struct doctor_arguments {
  std::string name;
  std::filesystem::path directory;
  bool repair = false;
  bool json = false;
};

std::string_view name_of(holding::purpose what) {
  switch (what) {
  case holding::purpose::writing:
    return "writing";
  case holding::purpose::reading:
    return "reading";
  case holding::purpose::freeing:
    return "freeing";
  case holding::purpose::overtaken:
    return "overtaken";
  }
  return "";
}

std::string_view name_of(holding::condition who) {
  switch (who) {
  case holding::condition::alive:
    return "alive";
  case holding::condition::stopped:
    return "stopped";
  case holding::condition::dead:
    return "dead";
  case holding::condition::unknown:
    return "unknown";
  }
  return "";
}

std::int64_t milliseconds(std::chrono::nanoseconds time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
}

std::string as_json(const treatment& t) {
  const diagnosis& d = t.after;
  nlohmann::ordered_json findings = nlohmann::ordered_json::array();
  for (const finding& each : d.findings) {
    const fault_text& text = about(each.what);
    findings.push_back({{"fault", text.name},
                        {"at", each.at},
                        {"where", each.where},
                        {"found", each.found},
                        {"meaning", text.meaning},
                        {"remedy", text.remedy},
                        {"wrong", text.wrong},
                        {"repairable", text.repairable}});
  }
  nlohmann::ordered_json holdings = nlohmann::ordered_json::array();
  for (const holding& each : d.holdings) {
    holdings.push_back({{"what", name_of(each.what)},
                        {"slot", each.slot},
                        {"slots", each.slots},
                        {"id", each.id},
                        {"pid", each.pid},
                        {"role", side_name(each.publishes)},
                        {"who", name_of(each.who)}});
  }
  const nlohmann::ordered_json all{{"name", d.name},
                                   {"path", d.path.string()},
                                   {"healthy", d.healthy()},
                                   {"watched_ms", milliseconds(d.watched)},
                                   {"knows_who_lives", d.knows_who_lives},
                                   {"depth", d.queue ? d.queue->depth : 0},
                                   {"orphans", d.orphans},
                                   {"padding", d.padding},
                                   {"participants", d.queue ? d.queue->participants.size() : 0},
                                   {"holdings", holdings},
                                   {"findings", findings},
                                   {"omitted", d.omitted},
                                   {"repaired", t.done}};
  return all.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + '\n';
}

std::string verdict(const diagnosis& d) {
  const auto wrong =
      std::ranges::count_if(d.findings, [](const finding& each) { return about(each.what).wrong; });
  if (wrong == 0) {
    return fmt::format("{} is in order\n", d.name);
  }
  const bool repairable = std::ranges::any_of(
      d.findings, [](const finding& each) { return about(each.what).repairable; });
  return fmt::format("{} is not in order: {} found{}\n", d.name,
                     with_commas(d.omitted + static_cast<std::size_t>(wrong)),
                     repairable ? "; --repair puts right what it can" : "");
}

std::string summary(const diagnosis& d) {
  const queue_info& queue = *d.queue;
  return fmt::format(
      "  {} slots: {} messages wait, {} of them came back, {} being read, {} being written, {} "
      "slots of padding\n  {} participants{}\n",
      with_commas(queue.slots), with_commas(queue.depth), with_commas(d.orphans),
      with_commas(queue.in_hands), with_commas(queue.in_progress), with_commas(d.padding),
      queue.participants.size(),
      d.knows_who_lives ? "" : "; whether they live takes the right to write to ask");
}

std::string as_text(const treatment& t) {
  const diagnosis& d = t.after;
  std::string text;
  for (const std::string& each : t.done) {
    text += fmt::format("repaired: {}\n", each);
  }
  if (!d.queue && d.findings.empty()) {
    return text + fmt::format("{} is gone\n", d.name);
  }
  text += verdict(d);
  if (d.queue) {
    text += summary(d);
  }
  for (const holding& each : d.holdings) {
    text +=
        fmt::format("  slot {}: {} of {} slots by {} pid {}, which is {}, for {} ms or longer\n",
                    each.slot, name_of(each.what), each.slots, side_name(each.publishes), each.pid,
                    name_of(each.who), milliseconds(d.watched));
  }
  for (const finding& each : d.findings) {
    const fault_text& about_it = about(each.what);
    text += fmt::format("{}: {}: {}\n  meaning: {}\n  remedy: {}\n",
                        about_it.wrong ? "wrong" : "notice", each.where, each.found,
                        about_it.meaning, about_it.remedy);
  }
  if (d.omitted != 0) {
    text += fmt::format("and {} more like these\n", with_commas(d.omitted));
  }
  return text;
}

exit_code see_to(const doctor_arguments& arguments) {
  const treatment t = arguments.repair
                          ? millrace::repair(arguments.name, arguments.directory)
                          : treatment{{}, millrace::examine(arguments.name, arguments.directory)};
  write_text(arguments.json ? as_json(t) : as_text(t));
  return t.after.healthy() ? exit_code::ok : exit_code::failed;
}

}  // namespace

void add_doctor(CLI::App& app, verb& chosen) {
  auto arguments = std::make_shared<doctor_arguments>();
  CLI::App& doctor = *app.add_subcommand(
      "doctor", "Verify a queue's memory, and say what is wrong and who holds what");
  add_queue_name(doctor, arguments->name);
  doctor.add_flag("--repair", arguments->repair,
                  "Clean up after the dead and take leftovers away first");
  doctor.add_flag("--json", arguments->json, "Print a JSON object");
  add_directory(doctor, arguments->directory);
  doctor.footer("Exits with 1 when something is wrong with the queue, after --repair: still.");
  doctor.callback([arguments, &chosen] { chosen = [arguments] { return see_to(*arguments); }; });
}

}  // namespace millrace::cli
