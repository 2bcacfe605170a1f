// fork_watch by pthread_atfork.
#include "os/fork_watch.hpp"

#include <cerrno>

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

namespace millrace::os {

std::atomic<std::uint32_t> detail::fork_generation{0};

/// All private descriptors of this process. The mutex is the callers' to hold.
struct descriptor_list {
  std::mutex mutex;
  private_descriptor* first = nullptr;

  descriptor_list() {
    pthread_atfork([] { get().mutex.lock(); }, [] { get().mutex.unlock(); },
                   [] {
                     get().close_all();
                     detail::fork_generation.fetch_add(1, std::memory_order_relaxed);
                     get().mutex.unlock();
                   });
  }

  /// Never destroyed: fork handlers cannot be taken back, and static objects may close late.
  static descriptor_list& get() {
    static auto* list = new descriptor_list;
    return *list;
  }

  void add(private_descriptor& d) {
    d.next_ = first;
    if (first != nullptr) {
      first->previous_ = &d;
    }
    first = &d;
  }

  void remove(private_descriptor& d) {
    (d.previous_ != nullptr ? d.previous_->next_ : first) = d.next_;
    if (d.next_ != nullptr) {
      d.next_->previous_ = d.previous_;
    }
  }

  void close_all() {
    for (auto* d = first; d != nullptr; d = d->next_) {
      if (d->descriptor_ >= 0) {
        ::close(d->descriptor_);
        d->descriptor_ = -1;
      }
    }
  }
};

namespace {

/// In a program that closed its standard streams a file would take their numbers, and what is
/// printed would go into it.
int above_standard_streams(int descriptor) noexcept {
  if (descriptor < 0 || descriptor > STDERR_FILENO) {
    return descriptor;
  }
  const int higher = ::fcntl(descriptor, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  const int problem = errno;
  ::close(descriptor);
  errno = problem;
  return higher;
}

}  // namespace

std::mutex& fork_mutex() {
  return descriptor_list::get().mutex;
}

// Opening and listing are one step to a fork, closing and taking off the list another.

private_descriptor::private_descriptor(const char* path, int flags) {
  const std::lock_guard lock(fork_mutex());
  descriptor_ = above_standard_streams(::open(path, flags));
  descriptor_list::get().add(*this);
}

private_descriptor::~private_descriptor() {
  const std::lock_guard lock(fork_mutex());
  descriptor_list::get().remove(*this);
  if (descriptor_ >= 0) {
    ::close(descriptor_);
  }
}

}  // namespace millrace::os
