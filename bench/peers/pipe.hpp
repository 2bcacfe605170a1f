// A pipe. All messages have one size, so it needs no frames; those of up to 4 KiB are written and
// read whole, which lets several processes share an end.
#pragma once

#include "descriptor.hpp"

namespace bench {

class pipe_channel {
 public:
  static constexpr const char* name = "pipe";
  static constexpr waiting streams_by = waiting::sleep;
  static constexpr bool has_threads = false;

  explicit pipe_channel(const workload& w) : size_(w.size) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
      fail("make a pipe");
    read_ = descriptor(ends[0]);
    write_ = descriptor(ends[1]);
    // As large as it may be: 1 MiB for most users. A refusal leaves it as it was, at 64 KiB.
    fcntl(ends[0], F_SETPIPE_SZ, static_cast<int>(std::min(w.size * w.depth, most)));
    if (w.wait == waiting::spin) {
      set_nonblocking(ends[0]);
      set_nonblocking(ends[1]);
    }
  }

  class sender {
   public:
    sender(const pipe_channel& c, unsigned) : fd_(c.write_.get()) {}

    bool send(std::span<const std::byte> message) {
      ssize_t done = write(fd_, message.data(), message.size());
      if (done < 0 && would_block())
        return false;
      // Begun, it is finished, whichever way of waiting was asked for.
      for (std::size_t sent = 0;;) {
        if (done > 0)
          sent += static_cast<std::size_t>(done);
        if (sent == message.size())
          return true;
        if (done < 0 && !would_block())
          fail("write to a pipe");
        done = write(fd_, message.data() + sent, message.size() - sent);
      }
    }

   private:
    int fd_;
  };

  class receiver {
   public:
    receiver(const pipe_channel& c, unsigned) : fd_(c.read_.get()), size_(c.size_) {}

    std::optional<std::size_t> receive(std::span<std::byte> buffer) {
      ssize_t done = read(fd_, buffer.data(), size_);
      if (done < 0 && would_block())
        return std::nullopt;
      for (std::size_t got = 0;;) {
        if (done > 0)
          got += static_cast<std::size_t>(done);
        if (got == size_)
          return size_;
        if (done == 0 || (done < 0 && !would_block()))
          fail("read from a pipe");
        done = read(fd_, buffer.data() + got, size_ - got);
      }
    }

   private:
    int fd_;
    std::size_t size_;
  };

 private:
  static constexpr std::size_t most = std::size_t{1} << 20;
  std::size_t size_;
  descriptor read_;
  descriptor write_;
};

}  // namespace bench
