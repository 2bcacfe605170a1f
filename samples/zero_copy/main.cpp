// Zero-copy: a message is written where it will be read, in shared memory. Worth it for messages of
// many kilobytes. What to learn here: try_reserve and commit, what becomes of a reservation that is
// dropped, and that a received message is a loan, which can be given back.
//
// Both ends are in this one program for brevity; they would look the same in two.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>

#include <fmt/core.h>
#include <millrace/millrace.hpp>

// A camera that packs its picture as tightly as it goes: how long it gets is known at the end only.
std::size_t take_picture(std::span<std::byte> room, unsigned brightness) {
  const std::size_t packed = room.size() / 2 + brightness;
  std::ranges::fill(room.first(packed), std::byte(brightness));
  return packed;
}

int main(int argc, char** argv) try {
  const std::string name = argc > 1 ? argv[1] : "sample.zero_copy";
  constexpr std::size_t largest_picture = 1024 * 1024;
  millrace::remove(name);
  millrace::publisher camera(
      name, {.capacity = 4 * largest_picture, .life = millrace::lifetime::transient});
  millrace::subscriber viewer(name);

  for (unsigned brightness = 1; brightness <= 2; ++brightness) {
    std::optional<millrace::reservation> room = camera.try_reserve(largest_picture);
    if (!room)
      throw std::runtime_error("no room: " + std::string(to_string(camera.last_status())));
    const std::size_t used = take_picture(room->bytes(), brightness);
    // `full` means that the camera took so long that others were let past, and that there is no
    // other room yet; nothing is lost, so try again.
    while (room->commit(used) == millrace::status::full)
      std::this_thread::yield();
  }
  {
    const auto dropped = camera.try_reserve(largest_picture);  // never committed: nobody sees it
  }

  // Two pictures on loan at once, read in place. The second is not wanted now, so it goes back.
  auto first = viewer.try_dequeue();
  auto second = viewer.try_dequeue();
  if (!first || !second || viewer.try_dequeue())
    throw std::runtime_error("not just two pictures");
  second->requeue();
  auto again = viewer.try_dequeue();
  if (!again || !again->redelivered())
    throw std::runtime_error("the picture did not come back");

  const auto shows = [](const millrace::message& picture, unsigned brightness) {
    fmt::print("a picture of {} bytes, {}\n", picture.bytes().size(),
               picture.redelivered() ? "delivered again" : "first delivery");
    return picture.bytes().size() == largest_picture / 2 + brightness &&
           std::ranges::all_of(picture.bytes(),
                               [&](std::byte b) { return b == std::byte(brightness); });
  };
  return shows(*first, 1) && shows(*again, 2) ? 0 : 1;
} catch (const std::exception& failure) {
  fmt::print(stderr, "zero_copy: {}\n", failure.what());
  return 1;
}
