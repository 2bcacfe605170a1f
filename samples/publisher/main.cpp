// Publishes files into a queue, in messages of up to 64 KiB. In one terminal:
//
//     subscriber files
//
// and in another one, before or after, as often as you like and from as many terminals:
//
//     publisher files /etc/services /etc/protocols
//     find /usr/include -name '*.h' | publisher files
//
// The queue and what is in it stay when the programs end, until `millrace remove files`.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

#include <fmt/core.h>
#include <millrace/millrace.hpp>

#include "../support/file_piece.hpp"

constexpr std::uint64_t largest_piece = 64 * 1024;

void publish_file(millrace::publisher& queue, const std::string& path) {
  const std::uint64_t size = std::filesystem::file_size(path);
  std::ifstream file(path, std::ios::binary);
  std::vector<std::byte> bytes, frame;
  std::uint64_t offset = 0;
  do {  // at least once: an empty file is a message, too
    bytes.resize(std::min(largest_piece, size - offset));
    if (!file.read(reinterpret_cast<char*>(bytes.data()), std::ssize(bytes)))
      throw std::runtime_error("cannot read " + path);
    sample::pack({path, offset, size, bytes}, frame);

    // Waits while the queue is full, that is, while the subscribers are behind.
    if (const millrace::status answer = queue.enqueue(frame); answer != millrace::status::ok)
      throw std::runtime_error(fmt::format("cannot publish {}: {}", path, to_string(answer)));
    offset += bytes.size();
  } while (offset < size);
  fmt::print("{} {}\n", size, path);
}

int main(int argc, char** argv) try {
  if (argc < 2) {
    fmt::print(stderr,
               "usage: publisher QUEUE [FILE...]   (no FILE: names from input, a line each)\n");
    return 2;
  }
  millrace::publisher queue(argv[1]);  // opens the queue, or makes it
  for (int i = 2; i < argc; ++i)
    publish_file(queue, argv[i]);
  if (argc == 2)
    for (std::string path; std::getline(std::cin, path);)
      publish_file(queue, path);
  return 0;
} catch (const std::exception& failure) {
  fmt::print(stderr, "publisher: {}\n", failure.what());
  return 1;
}
