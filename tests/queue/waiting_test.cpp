// Announcements and permits: what is left of them when a waker is slower than a sleeper.
#include <chrono>
#include <string>

#include <doctest/doctest.h>

#include <unistd.h>

#include "queue/waiting.hpp"

using millrace::detail::announcement;
using namespace std::chrono_literals;

namespace {

/// A place to sleep in, without a queue around it.
struct room {
  room() { millrace::os::named_semaphore::remove(name); }
  ~room() { millrace::os::named_semaphore::remove(name); }

  std::string name = "millrace-test-" + std::to_string(::getpid());
  millrace::detail::doorbell<millrace::detail::native_atomics> bell{};
  millrace::os::named_semaphore semaphore{name, 0600, "q"};
  millrace::detail::participant_record mine{};
  millrace::detail::bedroom bed{bell, semaphore, false};
};

/// Sleeps for no time at all. Whether a permit was there.
bool sleep_briefly(room& r) {
  announcement announced(r.bed, r.mine);
  return announced.sleep_until(std::chrono::steady_clock::now());
}

}  // namespace

TEST_CASE("who is woken at the end of its sleep leaves neither announcement nor permit") {
  room r;
  {
    const announcement announced(r.bed, r.mine);
    r.bed.wake(1);  // after its last look at the semaphore
  }
  CHECK_FALSE(r.bell.anybody());
  CHECK_FALSE(r.semaphore.try_wait());
  CHECK_FALSE(sleep_briefly(r));
  CHECK_FALSE(r.bell.anybody());
}

TEST_CASE("permits that come too late leave one announcement standing, however many they are") {
  room r;
  for (int i = 0; i < 10; ++i) {
    CAPTURE(i);
    {
      const announcement announced(r.bed, r.mine);
      REQUIRE(r.bell.take_one());
    }
    r.semaphore.post();       // by when nobody waits for it any more
    CHECK(sleep_briefly(r));  // in vain, on behalf of who slept before
    CHECK_FALSE(sleep_briefly(r));
    CHECK(r.bell.sleepers.load() == 1);
  }
  r.bed.wake(10);
  CHECK(sleep_briefly(r));  // so nobody who sleeps is overlooked for it
}
