// millrace list: the queues of a directory.
#include <algorithm>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <millrace/queue/inspect.hpp>

#include "arguments.hpp"
#include "quantities.hpp"
#include "streams.hpp"
#include "verbs.hpp"

namespace millrace::cli {

namespace {

struct list_arguments {
  std::filesystem::path directory;
  bool details = false;
};

exit_code list_with_details(const std::vector<std::string>& names,
                            const std::filesystem::path& directory) {
  std::size_t width = 4;
  for (const auto& name : names) {
    width = std::max(width, name.size());
  }
  std::string text = fmt::format("{:<{}}  {:>12}  {:>10}  {:>10}  {:>11}\n", "NAME", width,
                                 "MESSAGES", "CAPACITY", "PUBLISHERS", "SUBSCRIBERS");
  exit_code result = exit_code::ok;
  for (const auto& name : names) {
    try {
      const queue_info queue = millrace::stat(name, directory);
      const auto publishers = std::count_if(queue.participants.begin(), queue.participants.end(),
                                            [](const auto& each) { return each.publishes; });
      const auto all = static_cast<std::ptrdiff_t>(queue.participants.size());
      text += fmt::format("{:<{}}  {:>12}  {:>10}  {:>10}  {:>11}\n", name, width,
                          with_commas(queue.depth), size_text(queue.capacity), publishers,
                          all - publishers);
    } catch (const error& e) {
      // Removed since it was listed: as if it had never been there.
      if (e.code() != errc::not_found) {
        result = report(explain(e));
      }
    }
  }
  write_text(text);
  return result;
}

}  // namespace

void add_list(CLI::App& app, verb& chosen) {
  auto arguments = std::make_shared<list_arguments>();
  CLI::App& list = *app.add_subcommand("list", "Print the names of all queues, one on a line");
  list.add_flag("-l,--long", arguments->details,
                "With waiting messages, capacity, publishers and subscribers");
  add_directory(list, arguments->directory);
  list.callback([arguments, &chosen] {
    chosen = [arguments] {
      const auto names = millrace::list(arguments->directory);
      if (arguments->details) {
        return list_with_details(names, arguments->directory);
      }
      std::string text;
      for (const auto& name : names) {
        text += name;
        text += '\n';
      }
      write_text(text);
      return exit_code::ok;
    };
  });
}

}  // namespace millrace::cli
