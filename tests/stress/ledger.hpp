// The book in which the processes of a stress test enter every message they send and see. One file,
// mapped by all of them; it outlives whoever is killed.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace stress {

/// What became of one message. Each mark is set right before or right after the step it is about,
/// so that a kill between the two leaves a doubt about one message a process, never a lie.
struct entry {
  std::atomic<std::uint8_t> begun;  // its publisher was about to send it: 1, more (any) in a batch
  std::atomic<std::uint8_t> sent;   // the call said ok
  std::atomic<std::uint8_t> fresh;  // deliveries that were not marked redelivered
  std::atomic<std::uint8_t> again;  // deliveries that were
  std::atomic<std::uint8_t> given_back;
  std::atomic<std::uint8_t> finishing;  // somebody was about to be done with it
  std::atomic<std::uint8_t> finished;   // and was
};

class ledger {
 public:
  static constexpr std::size_t shortest_numbered = 8;

  /// Makes the file. `count` messages for each of `publishers`.
  ledger(const std::filesystem::path& path, std::uint32_t publishers, std::uint32_t count);
  /// Opens it.
  explicit ledger(const std::filesystem::path& path);
  ledger(const ledger&) = delete;
  ledger& operator=(const ledger&) = delete;
  ~ledger();

  [[nodiscard]] std::uint32_t publishers() const { return head_->publishers; }
  [[nodiscard]] std::uint32_t count() const { return head_->count; }
  [[nodiscard]] entry& at(std::uint32_t publisher, std::uint32_t number) const {
    return entries_[std::size_t{publisher} * count() + number];
  }
  /// Where a publisher goes on; kept here so that a successor can.
  [[nodiscard]] std::atomic<std::uint32_t>& next(std::uint32_t publisher) const {
    return head_->next[publisher];
  }
  /// Messages too short for a number are counted by size.
  [[nodiscard]] std::atomic<std::uint64_t>& short_sent(std::size_t size) const {
    return head_->short_sent[size];
  }
  [[nodiscard]] std::atomic<std::uint64_t>& short_finished(std::size_t size) const {
    return head_->short_finished[size];
  }
  /// Publishers stop when told so, subscribers when told so and the queue is empty.
  std::atomic<std::uint32_t>& stop_publishing() const { return head_->stop_publishing; }
  std::atomic<std::uint32_t>& stop_subscribing() const { return head_->stop_subscribing; }
  /// Something that must not happen did; it was printed.
  std::atomic<std::uint32_t>& failures() const { return head_->failures; }

 private:
  struct head {
    std::uint32_t publishers;
    std::uint32_t count;
    std::atomic<std::uint32_t> stop_publishing;
    std::atomic<std::uint32_t> stop_subscribing;
    std::atomic<std::uint32_t> failures;
    std::atomic<std::uint32_t> next[64];
    std::atomic<std::uint64_t> short_sent[shortest_numbered];
    std::atomic<std::uint64_t> short_finished[shortest_numbered];
  };
  void map(const std::filesystem::path& path);

  std::size_t size_ = 0;
  head* head_ = nullptr;
  entry* entries_ = nullptr;
};

/// A message's bytes and size follow from its publisher and number, so whoever gets it can tell
/// whether it is whole.
[[nodiscard]] std::size_t size_of(std::uint32_t publisher, std::uint32_t number, std::size_t most);
void write(std::byte* to, std::uint32_t publisher, std::uint32_t number, std::size_t size);

struct origin {
  std::uint32_t publisher;
  std::uint32_t number;
};
/// Throws std::runtime_error unless the bytes are exactly those of the message they say they are.
[[nodiscard]] origin check(const std::byte* from, std::size_t size, const ledger& book,
                           std::size_t most);

}  // namespace stress
