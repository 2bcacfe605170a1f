// The filters, as seccomp programs that trap to a SIGSYS handler.
#include "support/system_calls.hpp"

#include <atomic>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <initializer_list>
#include <stdexcept>
#include <utility>
#include <vector>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

namespace test {
namespace {

std::atomic<int> trapped_futexes;

constexpr std::uint32_t number_at = offsetof(seccomp_data, nr);
constexpr std::uint32_t second_argument_at = offsetof(seccomp_data, args) + 8;  // its lower half
constexpr std::uint32_t first_argument_at = offsetof(seccomp_data, args);

sock_filter load(std::uint32_t offset) {
  return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset);
}
sock_filter answer(std::uint32_t what) {
  return BPF_STMT(BPF_RET | BPF_K, what);
}
sock_filter skip_unless_equal(std::uint32_t value, std::uint8_t count) {
  return BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, count);
}
sock_filter skip_unless_set(std::uint32_t bits, std::uint8_t count) {
  return BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, 0, count);
}

void on_trap(int, siginfo_t* info, void* context) {
  const int number = info->si_syscall;
  if (number == SYS_futex && trapped_futexes.load() >= 0) {
    trapped_futexes.fetch_add(1);
#if defined(__x86_64__)
    static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RAX] = 0;
#elif defined(__aarch64__)
    static_cast<ucontext_t*>(context)->uc_mcontext.regs[0] = 0;
#endif
    return;
  }
  char text[] = "an unexpected system call: number 000\n";
  char* digits = text + sizeof text - 5;
  for (int n = number, i = 2; i >= 0; --i, n /= 10) {
    digits[i] = static_cast<char>('0' + n % 10);
  }
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text, sizeof text - 1);
  ::_exit(90);
}

void install(std::vector<sock_filter> program) {
  struct sigaction action {};
  action.sa_sigaction = on_trap;
  action.sa_flags = SA_SIGINFO;
  sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  if (::sigaction(SIGSYS, &action, nullptr) != 0 || ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) {
    throw std::runtime_error("cannot install a filter on system calls");
  }
}

}  // namespace

void count_futex_calls() {
  trapped_futexes = 0;
  install({load(number_at), skip_unless_equal(SYS_futex, 1), answer(SECCOMP_RET_TRAP),
           answer(SECCOMP_RET_ALLOW)});
}

int futex_calls() {
  return trapped_futexes.load();
}

void forbid_system_calls() {
  trapped_futexes = -1;
  std::vector<sock_filter> program{load(number_at)};
  for (const std::uint32_t allowed : {SYS_write, SYS_exit_group, SYS_rt_sigreturn}) {
    program.push_back(skip_unless_equal(allowed, 1));
    program.push_back(answer(SECCOMP_RET_ALLOW));
  }
  program.push_back(answer(SECCOMP_RET_TRAP));
  install(std::move(program));
}

void forbid_wall_clock_waits() {
  trapped_futexes = -1;
  install({load(number_at),
           // A futex wait with an absolute time of the wall clock.
           skip_unless_equal(SYS_futex, 3), load(second_argument_at),
           skip_unless_set(FUTEX_CLOCK_REALTIME, 1), answer(SECCOMP_RET_TRAP), load(number_at),
           // A sleep until a time of the wall clock.
           skip_unless_equal(SYS_clock_nanosleep, 5), load(first_argument_at),
           skip_unless_equal(CLOCK_REALTIME, 3), load(second_argument_at),
           skip_unless_set(TIMER_ABSTIME, 1), answer(SECCOMP_RET_TRAP), answer(SECCOMP_RET_ALLOW)});
}

}  // namespace test
