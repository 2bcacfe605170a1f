// The ledger's file, and what messages look like.
#include "stress/ledger.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace stress {
namespace {

std::uint64_t mix(std::uint64_t x) {  // splitmix64's finisher
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

std::uint64_t key(std::uint32_t publisher, std::uint32_t number) {
  return mix(std::uint64_t{publisher} << 32 | number);
}

}  // namespace

ledger::ledger(const std::filesystem::path& path, std::uint32_t publishers, std::uint32_t count) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  const std::size_t size = sizeof(head) + std::size_t{publishers} * count * sizeof(entry);
  if (fd < 0 || ::posix_fallocate(fd, 0, static_cast<off_t>(size)) != 0) {
    throw std::runtime_error("cannot make the ledger " + path.string());
  }
  ::close(fd);
  map(path);
  head_->publishers = publishers;
  head_->count = count;
}

ledger::ledger(const std::filesystem::path& path) {
  map(path);
}

ledger::~ledger() {
  ::munmap(head_, size_);
}

void ledger::map(const std::filesystem::path& path) {
  size_ = std::filesystem::file_size(path);
  const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  void* const memory = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  if (memory == MAP_FAILED) {
    throw std::runtime_error("cannot map the ledger " + path.string());
  }
  head_ = static_cast<head*>(memory);
  entries_ = reinterpret_cast<entry*>(static_cast<std::byte*>(memory) + sizeof(head));
}

std::size_t size_of(std::uint32_t publisher, std::uint32_t number, std::size_t most) {
  const std::uint64_t k = key(publisher, number);
  const std::uint64_t kind = k % 16;
  const std::size_t bound = kind == 0   ? ledger::shortest_numbered - 1
                            : kind < 8  ? 48
                            : kind < 13 ? most / 8
                            : kind < 15 ? most / 2
                                        : most;
  return (k >> 8) % (bound + 1);
}

void write(std::byte* to, std::uint32_t publisher, std::uint32_t number, std::size_t size) {
  std::uint64_t x = key(publisher, number);
  std::size_t i = 0;
  if (size >= ledger::shortest_numbered) {
    std::memcpy(to, &publisher, sizeof publisher);
    std::memcpy(to + sizeof publisher, &number, sizeof number);
    i = ledger::shortest_numbered;
  } else {
    x = size;  // all short ones of a size are alike
  }
  for (; i < size; i += sizeof x) {
    x = mix(x);
    std::memcpy(to + i, &x, std::min(sizeof x, size - i));
  }
}

origin check(const std::byte* from, std::size_t size, const ledger& book, std::size_t most) {
  origin who{0, 0};
  if (size >= ledger::shortest_numbered) {
    std::memcpy(&who.publisher, from, sizeof who.publisher);
    std::memcpy(&who.number, from + sizeof who.publisher, sizeof who.number);
    if (who.publisher >= book.publishers() || who.number >= book.count() ||
        size != size_of(who.publisher, who.number, most)) {
      throw std::runtime_error(
          "a message of " + std::to_string(size) + " bytes that nobody sent: publisher " +
          std::to_string(who.publisher) + ", number " + std::to_string(who.number));
    }
  }
  thread_local std::vector<std::byte> expected;
  expected.resize(size);
  write(expected.data(), who.publisher, who.number, size);
  if (!std::equal(expected.begin(), expected.end(), from)) {
    throw std::runtime_error("a message of " + std::to_string(size) +
                             " bytes is damaged: publisher " + std::to_string(who.publisher) +
                             ", number " + std::to_string(who.number));
  }
  return who;
}

}  // namespace stress
