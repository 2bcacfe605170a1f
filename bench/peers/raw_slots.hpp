// The machine's limit for a stream: slots with a turn each and nothing else. One sender, one
// receiver, no names, no sizes, no recovery. What it costs is the copy in and the copy out.
#pragma once

#include <atomic>
#include <cstring>

#include "../harness/processes.hpp"
#include "peer.hpp"

namespace bench {

class raw_slots {
 public:
  static constexpr const char* name = "raw";
  static constexpr waiting streams_by = waiting::spin;
  static constexpr bool has_threads = false;

  explicit raw_slots(const workload& w)
      : size_(w.size), depth_(w.depth),
        // A small message lies in its turn's cache line, a large one begins a line of its own.
        offset_(w.size <= 56 ? 8 : 64), stride_((offset_ + w.size + 63) / 64 * 64),
        memory_(stride_ * depth_) {}

  class end {
   public:
    explicit end(const raw_slots& c)
        : size_(c.size_), offset_(c.offset_), stride_(c.stride_),
          first_(static_cast<std::byte*>(c.memory_.data())), behind_(first_ + c.depth_ * c.stride_),
          slot_(first_) {}

   protected:
    // The turn is even for the sender and odd for the receiver, and counts laps.
    [[nodiscard]] std::atomic_ref<std::uint64_t> turn() const noexcept {
      return std::atomic_ref(*reinterpret_cast<std::uint64_t*>(slot_));
    }
    [[nodiscard]] std::byte* bytes() const noexcept { return slot_ + offset_; }
    void advance() noexcept {
      slot_ += stride_;
      if (slot_ != behind_)
        return;
      slot_ = first_;
      lap_ += 2;
    }

    std::size_t size_;
    std::uint64_t lap_ = 0;

   private:
    std::size_t offset_;
    std::size_t stride_;
    std::byte* first_;
    std::byte* behind_;
    std::byte* slot_;
  };

  class sender : end {
   public:
    sender(const raw_slots& c, unsigned) : end(c) {}

    bool send(std::span<const std::byte> message) {
      return send_in_place(message.size(), [&](std::span<std::byte> room) {
        std::memcpy(room.data(), message.data(), message.size());
      });
    }
    template <class Write>
    bool send_in_place(std::size_t size, Write write) {
      if (turn().load(std::memory_order_acquire) != lap_)
        return false;
      write(std::span(bytes(), size));
      turn().store(lap_ + 1, std::memory_order_release);
      advance();
      return true;
    }
  };

  class receiver : end {
   public:
    receiver(const raw_slots& c, unsigned) : end(c) {}

    std::optional<std::size_t> receive(std::span<std::byte> buffer) {
      const bool got = receive_in_place([&](std::span<const std::byte> message) {
        std::memcpy(buffer.data(), message.data(), message.size());
      });
      return got ? std::optional(size_) : std::nullopt;
    }
    template <class Read>
    bool receive_in_place(Read read) {
      if (turn().load(std::memory_order_acquire) != lap_ + 1)
        return false;
      read(std::span<const std::byte>(bytes(), size_));
      turn().store(lap_ + 2, std::memory_order_release);
      advance();
      return true;
    }
  };

 private:
  std::size_t size_;
  std::size_t depth_;
  std::size_t offset_;
  std::size_t stride_;
  shared_memory memory_;
};

}  // namespace bench
