// Bytes in from a file or pipe, bytes out to standard output.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <system_error>

namespace millrace::cli {

/// A file, pipe or terminal that is read from front to back.
class input {
 public:
  /// Standard input, or the file at `path`. Throws failure when it cannot be opened.
  input(const std::optional<std::filesystem::path>& path, std::stop_token stop);
  ~input();
  input(const input&) = delete;
  input& operator=(const input&) = delete;

  /// Reads what is there, waiting for the first byte; 0: the end. Throws failure, or interrupted
  /// once a stop is requested.
  std::size_t read(std::span<std::byte> buffer);
  /// The same, waiting until the buffer is full or the input ends.
  std::size_t read_full(std::span<std::byte> buffer);

  /// Bytes from here to the end, known for regular files only.
  [[nodiscard]] std::optional<std::uint64_t> size() const { return size_; }
  /// For messages to people.
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  std::string name_;
  int descriptor_;
  std::stop_token stop_;
  std::optional<std::uint64_t> size_;
};

struct write_result {
  std::size_t bytes;      // written
  std::error_code error;  // why not all of them; none: all, or a stop was requested meanwhile
};

/// Writes the parts one after the other to standard output, straight from where they are. Once a
/// stop is requested it goes on only as long as the reader does.
write_result write_parts(std::span<const std::span<const std::byte>> parts,
                         const std::stop_token& stop = {});

/// Throws what a failed write to standard output means: output_closed or failure.
[[noreturn]] void throw_write_error(std::error_code error);

/// Writes text to standard output. Throws output_closed or failure.
void write_text(std::string_view text);

[[nodiscard]] bool errors_go_to_terminal();
/// Columns of the terminal that standard error is; 80 when it does not say.
[[nodiscard]] std::size_t terminal_width();
/// Writes text to standard error; what fails there is lost, there is nobody to tell.
void write_error_text(std::string_view text);

}  // namespace millrace::cli
