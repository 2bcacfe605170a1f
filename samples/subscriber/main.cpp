// Takes the pieces of files that `publisher` sends out of a queue and prints a line for each:
//
//     checksum  offset+length/file size  path
//
// Start one in a terminal, then more in others: every piece goes to one of them. Stop one with
// Ctrl-C at any time: if it was reading a message just then, another one gets it. Removing the
// queue (`millrace remove QUEUE`) ends them all.
#include <cstdio>
#include <exception>

#include <fmt/core.h>
#include <millrace/millrace.hpp>

#include "../support/file_piece.hpp"

int main(int argc, char** argv) try {
  if (argc != 2) {
    fmt::print(stderr, "usage: subscriber QUEUE\n");
    return 2;
  }
  millrace::subscriber queue(argv[1]);  // opens the queue, or makes it

  // Waits for the next message. It is read where it lies in shared memory, and is done as the loop
  // comes round again; dequeue() answers with nothing when the queue has been removed.
  while (const auto message = queue.dequeue()) {
    const sample::file_piece piece = sample::unpack(message->bytes());
    fmt::print("{:016x} {}+{}/{} {}\n", sample::checksum(piece.bytes), piece.offset,
               piece.bytes.size(), piece.file_size, piece.path);
    // Out before the message is done: should we die, somebody has dealt with it or will.
    if (std::fflush(stdout) != 0)
      throw std::runtime_error("cannot write the output");
  }
  return 0;
} catch (const std::exception& failure) {
  fmt::print(stderr, "subscriber: {}\n", failure.what());
  return 1;
}
