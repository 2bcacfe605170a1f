// Spoiling the memory of a queue: where it hurts, and with what.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <stdexcept>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "queue/layout.hpp"

namespace test {

/// A queue's file, mapped past the library.
class mapped_bytes {
 public:
  explicit mapped_bytes(const std::filesystem::path& path) {
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    struct ::stat status {};
    if (descriptor < 0 || ::fstat(descriptor, &status) != 0) {
      throw std::runtime_error("cannot open " + path.string());
    }
    size_ = static_cast<std::size_t>(status.st_size);
    void* const at = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    ::close(descriptor);
    if (at == MAP_FAILED) {
      throw std::runtime_error("cannot map " + path.string());
    }
    first_ = static_cast<std::byte*>(at);
  }
  mapped_bytes(const mapped_bytes&) = delete;
  mapped_bytes& operator=(const mapped_bytes&) = delete;
  ~mapped_bytes() { ::munmap(first_, size_); }

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::byte* data() const { return first_; }
  /// The eight bytes at `offset`, a multiple of eight; others may change them meanwhile.
  [[nodiscard]] std::atomic_ref<std::uint64_t> word(std::size_t offset) const {
    return std::atomic_ref(*reinterpret_cast<std::uint64_t*>(first_ + offset));
  }

 private:
  std::byte* first_ = nullptr;
  std::size_t size_ = 0;
};

/// A place in the file of a queue with `slots` slots: a multiple of eight, before `size`. Small
/// numbers of `part` choose what the library decides by; others, anywhere.
inline std::size_t damaged_place(unsigned part, std::size_t index, std::size_t slots,
                                 std::size_t size) {
  using namespace millrace::detail;
  using slot_type = slot<native_atomics>;
  constexpr std::array fields{offsetof(header, events),    offsetof(header, joined),
                              offsetof(header, where),     offsetof(header, where) + 64,
                              offsetof(header, not_empty), offsetof(header, not_full)};
  const std::size_t one_slot = slots_offset + index % slots * sizeof(slot_type);
  switch (part) {
  case 0:
  case 1:
  case 2:
    return one_slot + offsetof(slot_type, word);
  case 3:
    return one_slot + offsetof(slot_type, shape);
  case 4:
    return fields[index % fields.size()];
  case 5:  // the first few participants
    return participants_offset + index % (4 * sizeof(participant_record)) / 8 * 8;
  case 6:
    return index % sizeof(identity) / 8 * 8;
  default:
    return index * 8 % size;
  }
}

/// What to write there, made of what is there.
inline std::uint64_t damaged_value(unsigned kind, std::uint64_t argument, std::uint64_t old) {
  using namespace millrace::detail;
  const word w{old};
  const auto bits = static_cast<std::uint32_t>(argument);
  switch (kind) {
  case 0:
    return 0;
  case 1:
    return ~std::uint64_t{0};
  case 2:
    return argument;
  case 3:
    return old ^ std::uint64_t{1} << argument % 64;
  case 4:  // some laps, or slots, ahead or behind
    return old + (argument % 5 - 2) * (std::uint64_t{1} << 32);
  case 5:
    return old + argument % 257 - 128;
  case 6:  // as far off as a lap can be
    return old + (std::uint64_t{1} << 63) + (argument % 3 - 1) * (std::uint64_t{1} << 32);
  case 7:
    return w.with(static_cast<state>(argument % 8)).bits;
  case 8:  // owners who are here, who are not, and who cannot be
    return word::make(w.lap(), w.state(), argument % 2 == 0 ? bits / 2 % 4 : bits % max_owners,
                      w.span())
        .bits;
  case 9:
    return word::make(w.lap(), w.state(), w.owner(), bits % max_slots).bits;
  case 10:
    return word::make(w.lap(), static_cast<state>(argument % 8), bits / 8 % 4, bits / 32 % 66).bits;
  case 11:  // shapes: in the slot, in blocks, handed out; short, and a byte too long
    return argument % 8192 | (argument / 8192 % 4) * shape::in_blocks;
  default:
    return shape::length_mask | (argument % 4) * shape::in_blocks;
  }
}

inline constexpr unsigned damaged_parts = 8;
inline constexpr unsigned damaged_kinds = 13;

}  // namespace test
