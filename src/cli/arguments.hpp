// Arguments that several verbs share.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include <millrace/queue/options.hpp>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace millrace::cli {

void add_queue_name(CLI::App& verb, std::string& name);
void add_directory(CLI::App& verb, std::filesystem::path& directory);
/// Refuses an empty name, as of a variable that is not set: it must not mean that there is none.
void must_name_a_file(CLI::Option& option);
/// --capacity and --block-size
void add_sizes(CLI::App& verb, queue_options& options);

/// --permissions
void add_permissions(CLI::App& verb, queue_options& options);

/// What ends a message in the byte stream; nothing: messages lie next to each other.
using delimiter = std::optional<char>;
void add_delimiter(CLI::App& verb, delimiter& chosen);

/// --count
void add_count(CLI::App& verb, std::optional<std::uint64_t>& count, std::string description);

/// The size in `text`, which must be positive. Throws failure naming the option.
[[nodiscard]] std::size_t size_argument(std::string_view option, std::string_view text);

}  // namespace millrace::cli
