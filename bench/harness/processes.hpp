// Runs the parts of a benchmark in processes of their own: forked before anything is opened, pinned
// to a CPU each, watched, and with a way to meet and to hand figures back.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

namespace bench {

/// A benchmark that cannot be run here; the text says why.
struct failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Throws failure with the text and what errno says.
[[noreturn]] void fail(const std::string& what);

/// Zeroed memory that the processes forked later share with this one.
class shared_memory {
 public:
  explicit shared_memory(std::size_t size);
  ~shared_memory();
  shared_memory(const shared_memory&) = delete;
  shared_memory& operator=(const shared_memory&) = delete;
  [[nodiscard]] void* data() const noexcept { return data_; }

 private:
  std::size_t size_;
  void* data_;
};

/// One T in shared memory. T needs no destructor: no process knows that it is the last one.
template <class T>
class shared {
  static_assert(std::is_trivially_destructible_v<T>);

 public:
  shared() : memory_(sizeof(T)), value_(new (memory_.data()) T()) {}
  T* operator->() const noexcept { return value_; }
  T& operator*() const noexcept { return *value_; }

 private:
  shared_memory memory_;
  T* value_;
};

/// Where processes wait for each other, once. Waiting yields, since there may be fewer CPUs than
/// processes.
class meeting {
 public:
  void arrive() noexcept { arrived_.fetch_add(1); }
  void wait_for(unsigned count) const noexcept;
  void arrive_and_wait_for(unsigned count) noexcept {
    arrive();
    wait_for(count);
  }

 private:
  std::atomic<unsigned> arrived_ = 0;
};

struct process {
  std::function<void()> body;
  int cpu;  // where it is pinned, modulo the CPUs there are; any_cpu: not at all
};
inline constexpr int any_cpu = -1;

/// Pins the calling thread.
void pin(int cpu);

/// Forks a process for each body and waits for all of them. When one throws, dies or takes longer
/// than a minute the others are killed, and this throws failure with its reason.
void run(const std::vector<process>& processes);

/// A name that no other benchmark on this machine uses now.
[[nodiscard]] std::string unique_name();
/// The same as a path of a file for temporary use.
[[nodiscard]] std::string unique_path();

}  // namespace bench
