// Who is dead and who is not: what decides is the lease, never a process number. Namespaces,
// numbers used again, zombies, other programs and threads.
#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <millrace/millrace.hpp>

#include "support/child.hpp"
#include "support/printing.hpp"
#include "support/scratch.hpp"
#include "support/victims.hpp"

using millrace::publisher;
using millrace::status;
using millrace::subscriber;
using test::begin_to_read;
using test::someone_who;
using namespace std::chrono_literals;

namespace {

/// In a namespace of process numbers of its own, with a /proc that shows it, runs `body` as its
/// first process, number 1, and returns the exit code. The namespace ends with the caller.
int in_own_namespace(const std::function<int()>& body) {
  test::expect(::unshare(CLONE_NEWPID | CLONE_NEWNS) == 0);
  test::expect(::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0);
  const pid_t first = ::fork();
  if (first == 0) {
    // Not by test::child, which asks who its parent is: here that is nobody.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    int code = 1;
    try {
      test::expect(::getpid() == 1);
      test::expect(::mount("proc", "/proc", "proc", 0, nullptr) == 0);
      code = body();
    } catch (const std::exception& problem) {
      std::fprintf(stderr, "in a namespace: %s\n", problem.what());
    }
    ::_exit(code);
  }
  int result = 0;
  test::expect(first > 0 && ::waitpid(first, &result, 0) == first);
  return WIFEXITED(result) ? WEXITSTATUS(result) : 1000 + WTERMSIG(result);
}

/// Says so when the case cannot run.
bool can_make_namespaces() {
  auto attempt = test::child::run([] {
    return ::unshare(CLONE_NEWPID | CLONE_NEWNS) == 0 &&
                   ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0
               ? 0
               : 1;
  });
  if (attempt.wait() == 0) {
    return true;
  }
  MESSAGE("skipped: no namespaces of process numbers can be made here");
  return false;
}

/// A process that has the number `wanted`, in a namespace whose next number can be chosen.
test::child run_as_number(pid_t wanted, const std::function<int()>& body) {
  const std::string last = std::to_string(wanted - 1);
  const int f = ::open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC);
  test::expect(f >= 0, "ns_last_pid");
  test::expect(::write(f, last.data(), last.size()) == static_cast<ssize_t>(last.size()));
  ::close(f);
  auto again = test::child::run(body);
  test::expect(again.pid() == wanted, "the number was not given again");
  return again;
}

/// Of the participants in the queue, how many live.
std::size_t alive(const test::scratch& directory) {
  std::size_t n = 0;
  for (const auto& someone : millrace::stat("q", directory.path()).participants) {
    n += someone.alive ? 1 : 0;
  }
  return n;
}

/// Takes the queue's one message, which its dead holder left, and finds nothing else. `s` joined
/// before that died: who joins later would take over from anybody whose place it gets.
void take_over(subscriber& s) {
  const auto m = s.dequeue();
  test::expect(m.has_value() && m->text() == "left" && m->redelivered());
  test::expect(!s.try_dequeue().has_value());
}

void leave_one(const test::scratch& directory) {
  publisher p("q", directory.options(64 * 64, 64));
  test::expect(p.try_enqueue("left") == status::ok);
}

}  // namespace

TEST_CASE("of two with the same number in two namespaces only the one that died is dead") {
  if (!can_make_namespaces()) {
    return;
  }
  for (const bool kill_first : {true, false}) {
    CAPTURE(kill_first);
    test::scratch directory;
    const auto options = directory.options(64 * 64, 64);
    publisher p("q", options);
    REQUIRE(p.try_enqueue("a") == status::ok);
    REQUIRE(p.try_enqueue("b") == status::ok);
    const test::gate over;
    const auto container = [&](const test::gate& has) {
      return test::child::run([&] {
        return in_own_namespace([&] {
          auto r = begin_to_read(options, 1);
          const std::string mine(r.loans.front().text());
          has.open();
          over.await();
          // Nobody took it for dead meanwhile.
          test::expect(r.loans.front().text() == mine);
          r.loans.clear();
          test::expect(!r.s.try_dequeue().has_value());
          return 0;
        });
      });
    };
    const test::gate one_has;
    const test::gate two_has;
    auto one = container(one_has);
    one_has.await();
    auto two = container(two_has);
    two_has.await();
    subscriber s("q", options);
    const auto info = millrace::stat("q", directory.path());
    REQUIRE(info.participants.size() == 4);
    CHECK(info.in_hands == 2);
    auto& dead = kill_first ? one : two;
    auto& lives = kill_first ? two : one;
    dead.kill();
    {
      // With the caller of the namespace its first process dies, at once or soon.
      const auto m = s.dequeue();
      REQUIRE(m);
      CHECK(m->text() == (kill_first ? "a" : "b"));
      CHECK(m->redelivered());
      CHECK_FALSE(s.dequeue_for(300ms));  // long enough to look who else does not move
    }
    CHECK(millrace::stat("q", directory.path()).recoveries == 1);
    over.open();
    CHECK(lives.wait() == 0);
    CHECK(millrace::stat("q", directory.path()).used_slots == 0);
  }
}

TEST_CASE("a process with a dead one's number neither revives it nor is taken for it") {
  if (!can_make_namespaces()) {
    return;
  }
  test::scratch directory;
  const auto options = directory.options(64 * 64, 64);
  leave_one(directory);
  auto container = test::child::run([&] {
    return in_own_namespace([&] {
      auto victim = someone_who([&] { return begin_to_read(options, 1); });
      const pid_t number = victim.pid();
      subscriber heir("q", options);
      const test::gate over;
      victim.kill();
      // A bystander with the number, which has nothing to do with the queue: the dead one stays
      // dead.
      auto bystander = run_as_number(number, [&] {
        over.await();
        return 0;
      });
      test::expect(alive(directory) == 1);
      auto m = heir.dequeue();
      test::expect(m.has_value() && m->text() == "left" && m->redelivered());
      m->requeue();
      over.open();
      test::expect(bystander.wait() == 0);
      // One that takes part: it lives, though the number is on the record of a dead one.
      const test::gate writes;
      auto second = someone_who([&] { return begin_to_read(options, 1); });
      const pid_t second_number = second.pid();
      second.kill();
      auto lives = run_as_number(second_number, [&] {
        publisher mine("q", options);
        auto room = mine.try_reserve(8);
        test::expect(room.has_value());
        writes.open();
        over.await();
        test::expect(room->commit() == status::ok);
        return 0;
      });
      writes.await();
      take_over(heir);
      test::expect(!heir.dequeue_for(300ms).has_value());
      over.open();
      return lives.wait();
    });
  });
  CHECK(container.wait() == 0);
  const auto info = millrace::stat("q", directory.path());
  CHECK(info.recoveries == 2);
  CHECK(info.revocations <= 1);
  CHECK(info.depth == 1);
}

TEST_CASE("one that was killed and not waited for yet is dead at once") {
  test::scratch directory;
  const auto options = directory.options(64 * 64, 64);
  leave_one(directory);
  auto victim = someone_who([&] { return begin_to_read(options, 1); });
  subscriber heir("q", options);
  victim.signal(SIGKILL);
  test::eventually([&] { return test::process_state(victim.pid()) == 'Z'; });
  CHECK(alive(directory) == 1);
  take_over(heir);
  CHECK(millrace::stat("q", directory.path()).recoveries == 1);
  CHECK(test::process_state(victim.pid()) == 'Z');  // all the time
  CHECK(victim.wait() == 1000 + SIGKILL);
}

TEST_CASE("another program that was started by one that is killed does not keep it alive") {
  test::scratch directory;
  const auto options = directory.options(64 * 64, 64);
  leave_one(directory);
  const test::gate started;
  int alive_as_long[2];
  REQUIRE(::pipe(alive_as_long) == 0);  // the other program reads from it until it is closed
  auto parent = test::child::run([&] {
    auto r = begin_to_read(options, 1);
    const pid_t other = ::fork();
    if (other == 0) {
      ::dup2(alive_as_long[0], STDIN_FILENO);
      ::close(alive_as_long[0]);
      ::close(alive_as_long[1]);
      started.open();
      ::execl("/bin/cat", "cat", static_cast<char*>(nullptr));
      ::_exit(97);
    }
    const test::gate never;
    never.await();
    return 0;
  });
  started.await();
  subscriber heir("q", options);
  parent.kill();
  take_over(heir);
  CHECK(millrace::stat("q", directory.path()).recoveries == 1);
  ::close(alive_as_long[0]);
  ::close(alive_as_long[1]);
}

TEST_CASE("threads that end make nobody dead") {
  test::scratch directory;
  const auto options = directory.options(64 * 64, 64);
  leave_one(directory);
  auto holder = someone_who([&] {
    // Opened by a thread that is no more, and held while another one comes and goes.
    auto r = std::make_shared<std::optional<test::reading>>();
    std::thread([&] { r->emplace(begin_to_read(options, 1)); }).join();
    std::thread([&] { publisher("q", options); }).join();
    std::thread([&] { test::expect((*r)->loans.front().text() == "left"); }).join();
    return r;
  });
  subscriber heir("q", options);
  CHECK_FALSE(heir.dequeue_for(300ms));  // long enough to look who lives
  CHECK(alive(directory) == 2);
  CHECK(millrace::stat("q", directory.path()).recoveries == 0);
  CHECK(millrace::stat("q", directory.path()).in_hands == 1);
  holder.kill();
  take_over(heir);
}

TEST_CASE("the thread that opened a handle may end before the process's first one") {
  test::scratch directory;
  const auto options = directory.options(64 * 64, 64);
  leave_one(directory);
  const test::gate ready;
  // The main thread ends by itself, and the process is shown as a zombie while another thread
  // lives.
  auto holder = test::child::run([&] {
    std::thread([&] {
      auto r = begin_to_read(options, 1);
      ready.open();
      const test::gate never;
      never.await();
    }).detach();
    ::syscall(SYS_exit, 0);  // this thread alone, and without its stack's destructors
    return 0;
  });
  ready.await();
  test::eventually([&] { return test::process_state(holder.pid()) == 'Z'; });
  subscriber heir("q", options);
  CHECK_FALSE(heir.dequeue_for(300ms));
  CHECK(alive(directory) == 2);
  CHECK(millrace::stat("q", directory.path()).recoveries == 0);
  holder.kill();
  take_over(heir);
}
