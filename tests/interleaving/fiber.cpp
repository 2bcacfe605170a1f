// Fibers over Boost.Context's two functions.
#include "fiber.hpp"

#include <array>
#include <cstring>

#include <boost/context/detail/fcontext.hpp>

namespace millrace::interleaving::fiber {
namespace {

namespace context = boost::context::detail;

constexpr std::size_t stack_size = 16384;
constexpr std::size_t wiped = 2048;  // deeper than any call of the ring goes

struct place {
  alignas(64) std::array<std::byte, stack_size> stack;
  context::fcontext_t at;
  void (*body)(unsigned);
};
std::array<place, most_processes> places;
context::fcontext_t resumer;

std::byte* top(unsigned who) {
  return places[who].stack.data() + stack_size;
}

void enter(context::transfer_t from) {
  resumer = from.fctx;
  const auto who = static_cast<unsigned>(reinterpret_cast<std::uintptr_t>(from.data));
  places[who].body(who);
}

}  // namespace

void prepare(unsigned who, void (*body)(unsigned)) {
  places[who].stack.fill(std::byte{});
  places[who].body = body;
  places[who].at = context::make_fcontext(top(who), stack_size, enter);
}

void resume(unsigned who) {
  const auto data = reinterpret_cast<void*>(static_cast<std::uintptr_t>(who));
  places[who].at = context::jump_fcontext(places[who].at, data).fctx;
}

void suspend() {
  resumer = context::jump_fcontext(resumer, nullptr).fctx;
}

std::span<std::byte> live(unsigned who) {
  if (places[who].at == nullptr) {
    return {};
  }
  return {static_cast<std::byte*>(places[who].at), top(who)};
}

void restore(unsigned who, std::span<const std::byte> bytes) {
  if (bytes.empty()) {
    places[who].at = nullptr;
    return;
  }
  std::byte* const from = top(who) - bytes.size();
  std::memcpy(from, bytes.data(), bytes.size());
  places[who].at = from;
}

void wipe_below(unsigned who) {
  std::byte* const end = live(who).data();
  const auto room = static_cast<std::size_t>(end - places[who].stack.data());
  const std::size_t n = room < wiped ? room : wiped;
  std::memset(end - n, 0, n);
}

void abandon(unsigned who) {
  places[who].at = nullptr;
}

}  // namespace millrace::interleaving::fiber
