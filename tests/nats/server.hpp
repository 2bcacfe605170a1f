// A NATS server of a test's own, and a network to it that breaks.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "support/child.hpp"
#include "support/scratch.hpp"

namespace test {

/// nats-server with JetStream, on loopback, with its files in a directory of its own. Its end kills
/// it.
class nats_process {
 public:
  /// Starts it with these options besides.
  explicit nats_process(std::vector<std::string> options = {});

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::string url() const;
  [[nodiscard]] const std::filesystem::path& directory() const { return files_.path(); }

  void kill() { process_->kill(); }
  void start();
  void freeze() { process_->freeze(); }
  void thaw() { process_->thaw(); }

 private:
  scratch files_;
  std::uint16_t port_;
  std::vector<std::string> options_;
  std::optional<child> process_;
};

/// Passes on one connection at a time, and cuts it after so many bytes, wherever that is.
class cutting_proxy {
 public:
  cutting_proxy(std::uint16_t server, std::size_t bytes);
  cutting_proxy(const cutting_proxy&) = delete;
  cutting_proxy& operator=(const cutting_proxy&) = delete;
  ~cutting_proxy();

  [[nodiscard]] std::string url() const;
  [[nodiscard]] int cuts() const { return cuts_; }
  /// From now on it passes on everything.
  void mend() { broken_ = false; }

 private:
  void serve(const std::stop_token& stop);
  void pass_on(const std::stop_token& stop, int client, int server);

  std::uint16_t server_;
  std::size_t bytes_;
  int listener_;
  std::uint16_t port_;
  std::atomic<int> cuts_ = 0;
  std::atomic<bool> broken_ = true;
  std::jthread thread_;
};

}  // namespace test
