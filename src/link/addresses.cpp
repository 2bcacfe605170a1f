// Reading numbers first: no question to the system that need not be asked.
#include "link/addresses.hpp"

#include <charconv>
#include <cstdint>

#include <boost/asio/ip/address.hpp>
#include <fmt/format.h>

namespace millrace::detail {

using boost::asio::ip::tcp;

std::string text_of(const tcp::endpoint& endpoint) {
  const auto address = endpoint.address();
  return address.is_v6() ? fmt::format("[{}]:{}", address.to_string(), endpoint.port())
                         : fmt::format("{}:{}", address.to_string(), endpoint.port());
}

std::vector<tcp::endpoint> resolve(std::string_view text, boost::asio::io_context& context) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return {};
  }
  std::string_view host = text.substr(0, colon);
  const std::string_view port_text = text.substr(colon + 1);
  std::uint16_t port = 0;
  const char* const end = port_text.data() + port_text.size();
  const auto [rest, wrong] = std::from_chars(port_text.data(), end, port);
  if (wrong != std::errc() || rest != end || host.empty()) {
    return {};
  }
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return {};  // an IPv6 address without brackets, whose end is anybody's guess
  }
  boost::system::error_code ec;
  const auto address = boost::asio::ip::make_address(std::string(host), ec);
  if (!ec) {
    return {{address, port}};
  }
  if (bracketed) {
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
