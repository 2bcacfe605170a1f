// datagram: a message that came over a link, with whence it came.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace millrace {

struct datagram {
  std::vector<std::byte> bytes;
  /// The peer's address on the connection that the message came by. Sending to it answers over the
  /// same connection, as long as that lasts.
  std::string from;
  /// This end's address of it.
  std::string to;
};

}  // namespace millrace
