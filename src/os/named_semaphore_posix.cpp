// named_semaphore by Boost.Interprocess. Only the timed wait goes past it: its timed_wait measures
// on the wall clock, so setting that clock back would make a sleeper oversleep, and it throws when
// a signal interrupts it. The C library hands out the same object for the same name, on which it
// can wait by the steady clock.
#include "os/named_semaphore.hpp"

#include <cerrno>
#include <ctime>
#include <thread>

#include <fcntl.h>
#include <semaphore.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/interprocess/sync/named_semaphore.hpp>
#include <fmt/format.h>

#include "core/fail.hpp"

namespace millrace::os {

namespace ipc = boost::interprocess;

struct named_semaphore::handle {
  handle(const char* name, unsigned permissions)
      : boost(ipc::open_or_create, name, 0, ipc::permissions(static_cast<mode_t>(permissions))),
        // Making it again, in case its queue has just been removed: the caller will find out.
        posix(::sem_open(fmt::format("/{}", name).c_str(), O_CREAT, permissions, 0)) {
    if (posix == SEM_FAILED) {
      throw ipc::interprocess_exception(ipc::error_info(errno));
    }
  }
  handle(const handle&) = delete;
  handle& operator=(const handle&) = delete;
  ~handle() { ::sem_close(posix); }

  ipc::named_semaphore boost;
  ::sem_t* posix;
};

named_semaphore::named_semaphore(const std::string& name, unsigned permissions,
                                 const std::string& queue) {
  const bool others = (permissions & 077) != 0;
  for (int tries = 0; handle_ == nullptr; ++tries) {
    try {
      handle_ = std::make_unique<handle>(name.c_str(), permissions);
    } catch (const ipc::interprocess_exception& e) {
      // Another user may be between making it and giving it its permissions.
      if (e.get_native_error() == EACCES && others && tries < 100) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        continue;
      }
      millrace::detail::fail_system(e.get_native_error(), queue, "opening its semaphore");
    }
  }
  // The C library takes the umask off the permissions, has no call to set them, and knows nothing
  // of the queue's group. This is where it keeps semaphores on Linux; elsewhere, or for a semaphore
  // of somebody else, nothing happens.
  if (others) {
    const std::string file = "/dev/shm/sem." + name;
    struct ::stat of_queue {};
    if (::stat(queue.c_str(), &of_queue) == 0 &&
        ::chown(file.c_str(), static_cast<uid_t>(-1), of_queue.st_gid) == 0) {
      (void)::chmod(file.c_str(), permissions);
    }
  }
}

named_semaphore::~named_semaphore() = default;

void named_semaphore::post() noexcept {
  (void)::sem_post(handle_->posix);
}

bool named_semaphore::try_wait() noexcept {
  return ::sem_trywait(handle_->posix) == 0;
}

bool named_semaphore::wait_until(std::chrono::steady_clock::time_point deadline) noexcept {
  using namespace std::chrono;
  const auto since = deadline.time_since_epoch();
  const auto whole = duration_cast<seconds>(since);
  const timespec at{static_cast<time_t>(whole.count()),
                    static_cast<long>(duration_cast<nanoseconds>(since - whole).count())};
  return ::sem_clockwait(handle_->posix, CLOCK_MONOTONIC, &at) == 0;
}

bool named_semaphore::exists(const std::string& name) noexcept {
  ::sem_t* const found = ::sem_open(("/" + name).c_str(), 0);
  if (found == SEM_FAILED) {
    return errno != ENOENT;
  }
  ::sem_close(found);
  return true;
}

void named_semaphore::remove(const std::string& name) noexcept {
  ipc::named_semaphore::remove(name.c_str());
}

}  // namespace millrace::os
