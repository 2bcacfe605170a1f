// Reading numbers first: no question to the system that need not be asked.
#include "link/addresses.hpp"

#include <charconv>
#include <cstdint>

#include <boost/asio/ip/address.hpp>
#include <fmt/format.h>

namespace millrace::detail {

using boost::asio::ip::tcp;

namespace {

bool in_brackets(std::string_view host) noexcept {
  return host.size() > 2 && host.front() == '[' && host.back() == ']';
}

}  // namespace

std::string text_of(const tcp::endpoint& endpoint) {
  const auto address = endpoint.address();
  return address.is_v6() ? fmt::format("[{}]:{}", address.to_string(), endpoint.port())
                         : fmt::format("{}:{}", address.to_string(), endpoint.port());
}

std::string_view host_of(std::string_view text) noexcept {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return {};
  }
  const std::string_view host = text.substr(0, colon);
  if (in_brackets(host)) {
    return host.substr(1, host.size() - 2);
  }
  // An IPv6 address without brackets has its end where anybody likes.
  return host.find(':') == std::string_view::npos ? host : std::string_view();
}

std::vector<tcp::endpoint> resolve(std::string_view text, boost::asio::io_context& context) {
  const std::string_view host = host_of(text);
  const std::string_view port_text = text.substr(text.rfind(':') + 1);
  std::uint16_t port = 0;
  const char* const end = port_text.data() + port_text.size();
  const auto [rest, wrong] = std::from_chars(port_text.data(), end, port);
  if (wrong != std::errc() || rest != end || host.empty()) {
    return {};
  }
  boost::system::error_code ec;
  const auto address = boost::asio::ip::make_address(std::string(host), ec);
  if (!ec) {
    return {{address, port}};
  }
  if (in_brackets(text.substr(0, text.rfind(':')))) {
    return {};
  }
  const auto found = tcp::resolver(context).resolve(std::string(host), std::to_string(port), ec);
  std::vector<tcp::endpoint> all;
  for (const auto& entry : found) {
    all.push_back(entry.endpoint());
  }
  return all;
}

}  // namespace millrace::detail
