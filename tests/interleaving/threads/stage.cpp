#include "stage.hpp"

#include <array>
#include <cstdlib>
#include <cxxabi.h>
#include <deque>
#include <map>
#include <new>

#include "../fiber.hpp"

namespace millrace::interleaving::stage {
namespace {

constexpr unsigned nobody = most_processes;
constexpr std::size_t most_steps = 20'000;

struct buffered_store {
  void* where;
  std::uint64_t value;
  void (*make)(void*, std::uint64_t);
};

/// What the C++ runtime keeps for each real thread about exceptions that are being handled.
struct exceptions {
  void* caught;
  unsigned uncaught;
};
exceptions& exceptions_here() {
  return *reinterpret_cast<exceptions*>(abi::__cxa_get_globals());
}

struct thread {
  const std::function<void()>* body = nullptr;
  const std::function<bool()>* waits_for = nullptr;
  bool done = true;
  bool gave_way = false;
  exceptions handled = {};
  std::deque<buffered_store> stores;
};

std::array<thread, most_processes> threads;
schedules* answers;
unsigned running = nobody;
unsigned next;
std::string wrong;
std::vector<unsigned char> made;
struct block {
  std::size_t size;
  bool freed;
};
constexpr std::size_t margin = 1024;  // behind each block, nobody's
std::map<std::byte*, block, std::greater<>> blocks;

void empty(thread& t) {
  for (; !t.stores.empty(); t.stores.pop_front()) {
    const auto& s = t.stores.front();
    s.make(s.where, s.value);
  }
}

/// Goes back to run, for good or until it is this thread's turn again.
void leave() {
  fiber::suspend();
}

bool can_go_on(const thread& t) {
  return !t.done && !t.gave_way && (t.waits_for == nullptr || (*t.waits_for)());
}

/// Whose turn it is. `nobody`: all wait, or have ended.
unsigned choose() {
  std::array<unsigned, most_processes> who{};
  for (int attempt = 0; attempt < 2; ++attempt) {
    unsigned n = 0;
    if (running != nobody && can_go_on(threads[running])) {
      who[n++] = running;
    }
    for (unsigned i = 1; i <= most_processes; ++i) {  // in turn, unless something special happens
      const unsigned other = (running + i) % most_processes;
      if (other != running && can_go_on(threads[other])) {
        who[n++] = other;
      }
    }
    if (n != 0) {
      return who[answers->deviate(n)];
    }
    for (auto& t : threads) {  // who gave way to somebody that has nothing to do either
      t.gave_way = false;
    }
  }
  return nobody;
}

void turn() {
  if (made.size() == most_steps) {
    fail("it does not end");
  }
  next = choose();
  if (next != running) {
    leave();
  }
  made.push_back(static_cast<unsigned char>(running));
  for (unsigned i = 0; i < most_processes; ++i) {
    if (i != running) {
      threads[i].gave_way = false;
    }
  }
}

void live(unsigned who) {
  thread& t = threads[who];
  (*t.body)();
  empty(t);
  t.done = true;
  next = choose();
  leave();
  std::abort();
}

}  // namespace

std::string run(schedules& how, const std::vector<std::function<void()>>& bodies) {
  answers = &how;
  wrong.clear();
  made.clear();
  threads = {};
  for (unsigned i = 0; i < bodies.size(); ++i) {
    threads[i].body = &bodies[i];
    threads[i].done = false;
    fiber::prepare(i, live);
  }
  const exceptions outside = exceptions_here();
  next = choose();
  while (next != nobody && wrong.empty()) {
    running = next;
    exceptions_here() = threads[running].handled;
    fiber::resume(running);
    threads[running].handled = exceptions_here();
  }
  running = nobody;
  exceptions_here() = outside;
  for (unsigned i = 0; i < bodies.size() && wrong.empty(); ++i) {
    if (!threads[i].done) {
      wrong = "thread " + std::to_string(i) + " waits for ever";
    }
  }
  threads = {};
  std::erase_if(blocks, [](const auto& b) {
    if (b.second.freed) {
      std::free(b.first);
    }
    return b.second.freed;
  });
  return wrong;
}

const std::vector<unsigned char>& steps() {
  return made;
}

unsigned who() {
  return running;
}

void fail(const char* why) {
  if (wrong.empty()) {
    wrong = why;
  }
  if (running != nobody) {
    next = nobody;
    leave();
  }
}

void step() {
  if (running != nobody) {
    turn();
  }
}

void give_way() {
  if (running != nobody) {
    threads[running].gave_way = true;
    turn();
  }
}

void wait(const std::function<bool()>& condition) {
  step();
  if (running != nobody && !condition()) {
    thread& t = threads[running];
    empty(t);
    t.waits_for = &condition;
    turn();
    t.waits_for = nullptr;
  }
}

const std::uint64_t* buffered(const void* where) {
  if (running != nobody) {
    auto& stores = threads[running].stores;
    for (auto s = stores.rbegin(); s != stores.rend(); ++s) {
      if (s->where == where) {
        return &s->value;
      }
    }
  }
  return nullptr;
}

bool buffer(void* where, std::uint64_t value, void (*make)(void*, std::uint64_t)) {
  if (running == nobody || (threads[running].stores.empty() && answers->deviate(2) == 0)) {
    return false;
  }
  threads[running].stores.push_back({where, value, make});
  return true;
}

void fence() {
  if (running != nobody) {
    empty(threads[running]);
  }
}

void fence_all() {
  for (auto& t : threads) {
    empty(t);
  }
}

void touch(const void* where) {
  const auto* const place = static_cast<const std::byte*>(where);
  const auto at = blocks.lower_bound(const_cast<std::byte*>(place));
  if (at != blocks.end() && place < at->first + at->second.size + margin) {
    require(place < at->first + at->second.size, "memory behind the end of a block is used");
    require(!at->second.freed, "memory that was freed is used");
  }
}

}  // namespace millrace::interleaving::stage

using namespace millrace::interleaving;

// All that the queues and boxes allocate so that it may go in the midst of a run.
void* operator new(std::size_t size, std::align_val_t alignment) {
  const auto a = static_cast<std::size_t>(alignment);
  void* const memory = std::aligned_alloc(a, (size + stage::margin + a - 1) / a * a);
  if (memory == nullptr) {
    throw std::bad_alloc();
  }
  stage::blocks[static_cast<std::byte*>(memory)] = {size, false};
  return memory;
}
void operator delete(void* memory, std::align_val_t) noexcept {
  if (memory == nullptr) {
    return;
  }
  stage::touch(memory);
  const auto at = stage::blocks.find(static_cast<std::byte*>(memory));
  if (stage::running != stage::nobody) {
    at->second.freed = true;
  } else {
    stage::blocks.erase(at);
    std::free(memory);
  }
}
void operator delete(void* memory, std::size_t, std::align_val_t alignment) noexcept {
  operator delete(memory, alignment);
}
