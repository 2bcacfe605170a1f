// Definitions of the shared arguments.
#include "arguments.hpp"

#include <charconv>
#include <map>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "outcome.hpp"
#include "quantities.hpp"

namespace millrace::cli {

namespace {

unsigned parse_permissions(const std::string& text) {
  unsigned mode = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, mode, 8);
  if (parsed.ec != std::errc() || parsed.ptr != end || mode > 0777) {
    throw failure(exit_code::usage,
                  fmt::format("--permissions cannot be '{}'; write an octal mode such as 0600 (you "
                              "alone) or 0660 (your group too)",
                              text));
  }
  return mode;
}

}  // namespace

void add_queue_name(CLI::App& verb, std::string& name) {
  verb.add_option("NAME", name, "The queue's name")->required()->type_name("");
}

void add_directory(CLI::App& verb, std::filesystem::path& directory) {
  verb.add_option_function<std::string>(
          "--directory",
          [&directory](const std::string& text) {
            if (text.empty()) {  // a shell's variable that is not set
              throw failure(exit_code::usage,
                            "--directory cannot be ''; name one, or leave it out for your own");
            }
            directory = text;
          },
          "Where the queue's file lives [" + default_directory().string() + "]")
      ->type_name("DIR");
}

void must_name_a_file(CLI::Option& option) {
  option.type_name("FILE")->check(
      [](const std::string& file) { return file.empty() ? "no file is named" : ""; });
}

void add_sizes(CLI::App& verb, queue_options& options) {
  verb.add_option_function<std::string>(
          "--capacity",
          [&options](const std::string& text) {
            options.capacity = size_argument("--capacity", text);
          },
          "Room for messages; one message can have half of it [1MiB]")
      ->type_name("SIZE");
  verb.add_option_function<std::string>(
          "--block-size",
          [&options](const std::string& text) {
            options.block_size = size_argument("--block-size", text);
          },
          "Room of one slot, a power of two from 64 [256]")
      ->type_name("SIZE");
}

void add_permissions(CLI::App& verb, queue_options& options) {
  verb.add_option_function<std::string>(
          "--permissions",
          [&options](const std::string& text) { options.permissions = parse_permissions(text); },
          "Access mode of a new queue's file; one with bits for others says that the queue may be "
          "another user's [0600]")
      ->type_name("MODE");
}

void add_delimiter(CLI::App& verb, delimiter& chosen) {
  verb.add_option_function<std::string>(
          "--delimiter",
          [&chosen](const std::string& text) {
            static const std::map<std::string, delimiter, std::less<>> known{
                {"newline", '\n'}, {"nul", '\0'}, {"none", std::nullopt}};
            const auto found = known.find(text);
            if (found == known.end()) {
              throw failure(
                  exit_code::usage,
                  fmt::format("--delimiter cannot be '{}'; choose newline, nul or none", text));
            }
            chosen = found->second;
          },
          "What ends a message: newline, nul or none [newline]")
      ->type_name("WHICH");
}

void add_count(CLI::App& verb, std::optional<std::uint64_t>& count, std::string description) {
  verb.add_option_function<std::string>(
          "--count",
          [&count](const std::string& text) {
            std::uint64_t number = 0;
            const char* end = text.data() + text.size();
            const auto parsed = std::from_chars(text.data(), end, number);
            if (parsed.ec != std::errc() || parsed.ptr != end) {
              throw failure(exit_code::usage,
                            fmt::format("--count cannot be '{}'; write a whole number", text));
            }
            count = number;
          },
          std::move(description))
      ->type_name("N");
}

std::size_t size_argument(std::string_view option, std::string_view text) {
  const auto size = parse_size(text);
  if (!size || *size == 0) {
    throw failure(exit_code::usage,
                  fmt::format("{} cannot be '{}'; write a size such as 4096, 64KiB, 16MiB or 1GiB",
                              option, text));
  }
  return *size;
}

}  // namespace millrace::cli
