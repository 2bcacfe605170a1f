// The same call by gRPC over a Unix socket.
#pragma once

#include <cstdint>

#include "../harness/trips.hpp"

namespace bench {

/// A synchronous server, and a stub with a time-out. It waits in its own way.
times grpc_calls(std::uint64_t count);

}  // namespace bench
