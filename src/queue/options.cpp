// What names and options mean: checks and rounding.
#include <bit>

#include <fmt/format.h>

#include "core/fail.hpp"
#include "os/default_directory.hpp"
#include "queue/segment.hpp"

namespace millrace {

std::filesystem::path default_directory() {
  return os::default_directory();
}

namespace detail {

namespace {

constexpr std::size_t default_capacity = std::size_t{1} << 20;
constexpr std::size_t default_block = 256;
constexpr std::size_t least_slots = 64;
constexpr unsigned least_block_log2 = 6;
// Lengths, and so blocks and rings, stay far from the width of what holds them (ring.hpp, shape).
constexpr unsigned most_block_log2 = 30;
constexpr std::size_t most_capacity = std::size_t{1} << 46;

/// The same with what a terminal might act upon, or not be able to show, spelt out.
std::string printable(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const bool plain = c >= ' ' && c <= '~' && c != '\\';
    result += plain ? std::string(1, c) : fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  }
  return result;
}

}  // namespace

std::filesystem::path queue_path(std::string_view name, const std::filesystem::path& directory) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  const auto refuse = [&](std::string_view found) {
    fail(errc::invalid_name, printable(name.substr(0, 200)), "checking its name",
         fmt::format("expected 1 to 200 bytes of letters, digits, '.', '_' and '-', not starting "
                     "with '.'; found {}",
                     found));
  };
  if (name.empty() || name.size() > 200) {
    refuse(fmt::format("{} bytes", name.size()));
  }
  if (name.front() == '.') {
    refuse("a '.' at its start");
  }
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (!allowed(name[i])) {
      refuse(fmt::format("byte 0x{:02x} at {}", static_cast<unsigned char>(name[i]), i));
    }
  }
  if (directory.native().find('\0') != std::string::npos) {
    fail(errc::invalid_option, name, "checking its directory",
         fmt::format("expected a path, found '{}'", printable(directory.native())));
  }
  // Absolute, since the process may change its directory while it takes part.
  std::error_code failure;
  const auto place =
      std::filesystem::absolute(directory.empty() ? default_directory() : directory, failure);
  if (failure) {
    fail_system(failure.value(), (directory / name).string(), "finding the current directory");
  }
  return place / name;
}

std::size_t geometry::file_size() const noexcept {
  const std::size_t exact = slots_offset + slots() * (sizeof(slot<native_atomics>) + block_size());
  const std::size_t page = os::page_size();
  return (exact + page - 1) / page * page;
}

geometry geometry::of(const queue_options& options, const std::string& queue) {
  const std::size_t capacity = options.capacity != 0 ? options.capacity : default_capacity;
  if (capacity > most_capacity) {
    fail(errc::invalid_option, queue, "checking capacity",
         fmt::format("expected at most {} bytes, found {}", most_capacity, capacity));
  }
  std::size_t block = options.block_size;
  if (block == 0) {
    block = default_block;
    while (std::bit_ceil(capacity) / block > max_slots) {
      block *= 2;
    }
  }
  if (!std::has_single_bit(block) || block < (std::size_t{1} << least_block_log2) ||
      block > (std::size_t{1} << most_block_log2)) {
    fail(errc::invalid_option, queue, "checking block_size",
         fmt::format("expected a power of two from {} to {}, found {}",
                     std::size_t{1} << least_block_log2, std::size_t{1} << most_block_log2, block));
  }
  const std::size_t slots = std::max(least_slots, std::bit_ceil((capacity + block - 1) / block));
  if (slots > max_slots) {
    fail(errc::invalid_option, queue, "checking capacity and block_size",
         fmt::format("expected at most {} blocks, found {} of {} bytes; choose a larger block_size",
                     max_slots, slots, block));
  }
  return {static_cast<unsigned>(std::countr_zero(slots)),
          static_cast<unsigned>(std::countr_zero(block))};
}

void segment::require(const queue_options& options) const {
  const auto refuse = [&](std::string_view what, auto expected, auto found) {
    fail(errc::option_mismatch, path_.string(), "comparing its options",
         fmt::format("{}: expected {}, found {}", what, expected, found));
  };
  if (options.block_size != 0 && options.block_size != sizes_.block_size()) {
    refuse("block_size", options.block_size, sizes_.block_size());
  }
  if (options.capacity != 0) {
    queue_options asked = options;
    asked.block_size = sizes_.block_size();
    const std::size_t capacity = geometry::of(asked, path_.string()).capacity();
    if (capacity != sizes_.capacity()) {
      refuse("capacity", capacity, sizes_.capacity());
    }
  }
  const auto life_name = [](lifetime l) {
    return l == lifetime::persistent ? "persistent" : "transient";
  };
  const auto guarantee_name = [](delivery d) {
    return d == delivery::at_least_once ? "at_least_once" : "at_most_once";
  };
  const auto role_name = [](role r) { return r == role::shared ? "shared" : "exclusive"; };
  if (options.life.chosen() && options.life != life()) {
    refuse("life", life_name(options.life), life_name(life()));
  }
  if (options.guarantee.chosen() && options.guarantee != guarantee()) {
    refuse("guarantee", guarantee_name(options.guarantee), guarantee_name(guarantee()));
  }
  if (options.publishers.chosen() && options.publishers != publishers()) {
    refuse("publishers", role_name(options.publishers), role_name(publishers()));
  }
  if (options.subscribers.chosen() && options.subscribers != subscribers()) {
    refuse("subscribers", role_name(options.subscribers), role_name(subscribers()));
  }
}

}  // namespace detail
}  // namespace millrace
