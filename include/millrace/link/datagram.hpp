// datagram: a message that came over a link, with whence it came.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace millrace {

struct datagram {
  std::vector<std::byte> bytes;
  /// Where the peer is: the address that it connected from, or the one that this end connected to,
  /// as it was written. Sending to it answers over the same connection, as long as that lasts. With
  /// TLS, of who connected to this end, it is ADDRESS#NUMBER and leads nowhere else: an address by
  /// itself proves nothing, so what is sent to one goes to whoever has proved to be there.
  std::string from;
  /// This end's address of the connection that it came by.
  std::string to;
};

}  // namespace millrace
