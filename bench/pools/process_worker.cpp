// The workers of the process pools that are measured: they echo, after so many microseconds of
// work.
#include <cstdlib>

#include <millrace/pool/worker.hpp>

#include "../harness/pace.hpp"

int main(int argc, char** argv) {
  const auto seat = millrace::worker_seat::find(argc, argv);
  if (!seat || argc != 3)
    return 2;
  const std::int64_t work = std::atol(argv[1]) * 1000;
  return millrace::serve(
      *seat, [work](const millrace::worker_request& r, millrace::worker_reply& reply) {
        for (const std::int64_t end = bench::now() + work; work != 0 && bench::now() < end;) {
        }
        (void)reply.send(r.bytes);
      });
}
