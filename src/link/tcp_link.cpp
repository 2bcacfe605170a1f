// The public face of link_core.
#include <millrace/link/tcp_link.hpp>

#include <exception>
#include <system_error>
#include <utility>

#include <boost/system/system_error.hpp>
#include <fmt/format.h>

#include "link/core.hpp"

namespace millrace {

namespace {

std::shared_ptr<detail::link_core> start(const link_options& options,
                                         boost::asio::io_context* context) {
  const auto cannot = [](const std::exception& e) {
    return error(errc::system, fmt::format("link: cannot be started: {}", e.what()));
  };
  try {
    auto core = std::make_shared<detail::link_core>(options, context);
    core->start();
    return core;
  } catch (const boost::system::system_error& e) {  // no descriptors left for an io_context
    throw cannot(e);
  } catch (const std::system_error& e) {  // or no thread to run it
    throw cannot(e);
  }
}

}  // namespace

tcp_link::tcp_link(const link_options& options) : core_(start(options, nullptr)) {}

tcp_link::tcp_link(boost::asio::io_context& context, const link_options& options)
    : core_(start(options, &context)) {}

tcp_link::tcp_link(tcp_link&& other) noexcept = default;

tcp_link& tcp_link::operator=(tcp_link&& other) noexcept {
  std::swap(core_, other.core_);
  other.close();
  return *this;
}

tcp_link::~tcp_link() {
  close();
}

const std::string& tcp_link::address() const noexcept {
  return core_->address();
}

link_status tcp_link::send(std::string_view to, std::span<const std::byte> bytes) {
  return core_->send(to, {&bytes, 1}, false);
}

link_status tcp_link::send(std::string_view to, std::span<const std::span<const std::byte>> parts) {
  return core_->send(to, parts, false);
}

link_status tcp_link::send_acknowledged(std::string_view to, std::span<const std::byte> bytes) {
  return core_->send(to, {&bytes, 1}, true);
}

link_status tcp_link::post(std::string_view to, std::span<const std::byte> bytes,
                           std::chrono::nanoseconds time, const std::stop_token& stop) {
  return core_->post(to, bytes, time, stop, false);
}

link_status tcp_link::try_send(std::string_view to, std::span<const std::byte> bytes) {
  return core_->post(to, bytes, std::chrono::nanoseconds::zero(), {}, true);
}

link_status tcp_link::flush(std::string_view to) {
  return core_->flush(to);
}

status tcp_link::try_receive(datagram& to) {
  return core_->try_receive(to);
}

status tcp_link::receive(datagram& to, const std::stop_token& stop) {
  return core_->receive(to, detail::never, stop);
}

status tcp_link::receive_for(datagram& to, std::chrono::nanoseconds time,
                             const std::stop_token& stop) {
  return core_->receive(to, detail::deadline_after(time), stop);
}

detail::awaited_datagram tcp_link::async_receive(scheduler where, std::stop_token stop) {
  return detail::awaited_datagram(core_, std::move(where), std::move(stop));
}

void tcp_link::close() noexcept {
  if (core_) {
    core_->close();
  }
}

}  // namespace millrace
