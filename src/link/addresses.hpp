// Addresses as text: HOST:PORT, [IPV6]:PORT.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

namespace millrace::detail {

/// HOST, or IPV6 without its brackets; empty: it is no address.
[[nodiscard]] std::string_view host_of(std::string_view text) noexcept;

[[nodiscard]] std::string text_of(const boost::asio::ip::tcp::endpoint& endpoint);

/// All that the text may mean, best first; none: it is no address, or nobody knows the name. Asks
/// the system about names, however long that takes.
[[nodiscard]] std::vector<boost::asio::ip::tcp::endpoint> resolve(std::string_view text,
                                                                  boost::asio::io_context& context);

}  // namespace millrace::detail
