// Signals are blocked everywhere and fetched by one thread of their own: a handler could not call
// request_stop, which runs other people's callbacks.
#include "interruption.hpp"

#include <array>

#include <pthread.h>
#include <signal.h>
#include <time.h>

namespace millrace::cli {

namespace {

// Wakes the watcher when the object ends.
constexpr int ended = SIGUSR1;
// Interrupts the main thread's read or write. By default nobody notices this signal.
constexpr int nudge = SIGURG;

sigset_t watched_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, ended);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction now {};
    sigaction(signal, nullptr, &now);
    if (now.sa_handler != SIG_IGN) {
      sigaddset(&set, signal);
    }
  }
  return set;
}

void let_through(int signal) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

}  // namespace

interruption::interruption() {
  struct sigaction interrupt_only {};
  interrupt_only.sa_handler = [](int) {};
  sigemptyset(&interrupt_only.sa_mask);
  sigaction(nudge, &interrupt_only, nullptr);  // without SA_RESTART

  const sigset_t set = watched_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  watcher_ = std::thread([this, set, main_thread = pthread_self()] {
    int signal = 0;
    while (sigwait(&set, &signal) != 0) {
    }
    if (ending_) {
      return;
    }
    stop_.request_stop();
    // The main thread may be just about to enter a read or write that blocks: one interruption
    // could come too early, so go on until it says that it ends.
    constexpr timespec pause{.tv_sec = 0, .tv_nsec = 20'000'000};
    while (!ending_) {
      pthread_kill(main_thread, nudge);
      signal = sigtimedwait(&set, nullptr, &pause);
      if (signal > 0 && !ending_) {
        let_through(signal);
        raise(signal);
      }
    }
  });
}

interruption::~interruption() {
  ending_ = true;
  pthread_kill(watcher_.native_handle(), ended);
  watcher_.join();
}

void ignore_closed_pipes() {
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  sigemptyset(&ignore.sa_mask);
  sigaction(SIGPIPE, &ignore, nullptr);
}

}  // namespace millrace::cli
