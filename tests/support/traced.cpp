// Single steps and breakpoints by ptrace(2). Where a process has been is found out by single steps;
// to get to a place again it runs at full speed from breakpoint to breakpoint, since on virtual
// machines a single step can take twenty microseconds.
#include "support/traced.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>

#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

namespace test {

namespace {

constexpr std::uint8_t breakpoint = 0xCC;  // int3
constexpr std::size_t instruction_pointer = offsetof(user_regs_struct, rip);

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what + ": " + std::strerror(errno));
}

std::uintptr_t first_byte_of_marker() {
  return reinterpret_cast<std::uintptr_t>(&marker);
}

std::uintptr_t place_of(pid_t pid) {
  errno = 0;
  const long value = ::ptrace(PTRACE_PEEKUSER, pid, instruction_pointer, nullptr);
  if (value == -1 && errno != 0) {
    fail("reading an instruction pointer");
  }
  return static_cast<std::uintptr_t>(value);
}

/// The places to go through to come to instruction `k`, each of which is the first of its address
/// after the one before: running to a breakpoint there stops at the right one.
std::vector<std::size_t> hops_to(const trail& way, std::size_t k) {
  constexpr std::size_t never = std::numeric_limits<std::size_t>::max();
  const auto latest_before = [&](std::size_t at) {
    const auto from = way.rend() - static_cast<std::ptrdiff_t>(at);
    const auto found = std::find(from, way.rend(), way[at]);
    return found == way.rend() ? never : static_cast<std::size_t>(way.rend() - found) - 1;
  };
  std::vector<std::size_t> hops;
  for (std::size_t at = k; at != 0;) {
    hops.push_back(at);
    const std::size_t again = latest_before(at);
    at = again == never ? 0 : again + 1;
  }
  std::reverse(hops.begin(), hops.end());
  return hops;
}

}  // namespace

void marker() {
  asm volatile("int3" ::: "memory");
}

std::optional<std::string> traced::hindrance() {
  auto probe =
      child::run([] { return ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == 0 ? 0 : errno; });
  const int number = probe.wait();
  return number == 0 ? std::nullopt
                     : std::optional(std::string("ptrace: ") + std::strerror(number));
}

traced::traced(const std::function<int()>& body)
    : process_(child::run([&] {
        if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) {
          fail("asking to be traced");
        }
        return body();
      })) {
  if (!wait_for_stop()) {
    throw std::runtime_error("a traced process ended before its first marker");
  }
  ::ptrace(PTRACE_SETOPTIONS, process_.pid(), nullptr, PTRACE_O_EXITKILL);
}

bool traced::wait_for_stop() {
  siginfo_t stop{};
  // Only looked at, so that the process's end stays for process_ to wait for.
  while (::waitid(P_PID, static_cast<id_t>(process_.pid()), &stop, WEXITED | WSTOPPED | WNOWAIT) !=
         0) {
    if (errno != EINTR) {
      fail("waiting for a traced process");
    }
  }
  signal_ = stop.si_status == SIGTRAP ? 0 : stop.si_status;
  return stop.si_code == CLD_TRAPPED;
}

bool traced::resume(int how) {
  do {
    if (::ptrace(static_cast<__ptrace_request>(how), process_.pid(), nullptr, signal_) != 0) {
      fail("letting a traced process go on");
    }
    if (!wait_for_stop()) {
      return false;
    }
  } while (signal_ != 0);
  return true;
}

void traced::run(int how) {
  if (!resume(how)) {
    throw std::runtime_error("a traced process ended with " + std::to_string(process_.wait()));
  }
}

void traced::run_to_marker() {
  run(PTRACE_CONT);
}

trail traced::step_to_marker() {
  // The way out of the last marker is no part of anything.
  trail way;
  for (std::uintptr_t at = place_of(process_.pid());;) {
    run(PTRACE_SINGLESTEP);
    const std::uintptr_t next = place_of(process_.pid());
    if (next == first_byte_of_marker()) {
      run(PTRACE_CONT);
      return way;
    }
    if (next != at) {
      way.push_back(next);
      at = next;
    }
  }
}

bool traced::step(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    run(PTRACE_SINGLESTEP);
    if (place_of(process_.pid()) == first_byte_of_marker()) {
      return false;
    }
  }
  return true;
}

bool traced::run_along(const trail& way, std::size_t k) {
  if (k >= way.size()) {
    run_to_marker();
    return true;
  }
  const auto hops = hops_to(way, k);
  return run_to(way.front()) &&
         std::ranges::all_of(hops, [&](std::size_t at) { return run_to(way[at]); });
}

bool traced::run_to(std::uintptr_t address) {
  const pid_t pid = process_.pid();
  auto* const place = reinterpret_cast<void*>(address);
  errno = 0;
  const long original = ::ptrace(PTRACE_PEEKTEXT, pid, place, nullptr);
  if (original == -1 && errno != 0) {
    fail("reading an instruction");
  }
  if (::ptrace(PTRACE_POKETEXT, pid, place, (original & ~0xFFL) | breakpoint) != 0) {
    fail("setting a breakpoint");
  }
  run(PTRACE_CONT);
  if (::ptrace(PTRACE_POKETEXT, pid, place, original) != 0) {
    fail("taking a breakpoint away");
  }
  if (place_of(pid) != address + 1) {
    return false;
  }
  ::ptrace(PTRACE_POKEUSER, pid, instruction_pointer, address);
  return true;
}

int traced::finish() {
  while (resume(PTRACE_CONT)) {
  }
  return process_.wait();
}

}  // namespace test
