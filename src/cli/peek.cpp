// millrace peek: prints waiting messages and leaves them where they are.
#include <memory>

#include <CLI/CLI.hpp>
#include <millrace/queue/inspect.hpp>

#include "arguments.hpp"
#include "streams.hpp"
#include "verbs.hpp"

namespace millrace::cli {

namespace {

struct peek_arguments {
  std::string name;
  std::filesystem::path directory;
  std::optional<std::uint64_t> count;
  delimiter ends = '\n';
};

}  // namespace

void add_peek(CLI::App& app, verb& chosen) {
  auto arguments = std::make_shared<peek_arguments>();
  CLI::App& peek =
      *app.add_subcommand("peek", "Print the oldest waiting messages without taking them");
  add_queue_name(peek, arguments->name);
  add_count(peek, arguments->count, "So many at most [1]");
  add_delimiter(peek, arguments->ends);
  add_directory(peek, arguments->directory);
  peek.callback([arguments, &chosen] {
    chosen = [arguments] {
      std::string text;
      for (const peeked_message& each :
           millrace::peek(arguments->name, arguments->count.value_or(1), arguments->directory)) {
        text.append(reinterpret_cast<const char*>(each.bytes.data()), each.bytes.size());
        if (arguments->ends) {
          text += *arguments->ends;
        }
      }
      write_text(text);
      return exit_code::ok;
    };
  });
}

}  // namespace millrace::cli
