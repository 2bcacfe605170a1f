// What must hold in a queue's memory at any moment, whoever was killed or frozen wherever.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <millrace/queue/doctor.hpp>

#include "queue/snapshot.hpp"

namespace millrace::detail {

/// Something in one snapshot that no correct process brings about.
struct suspicion {
  finding what;
  std::uint64_t evidence;  // the values that it rests on: it is the same again if they are
};

/// Checks the words, shapes and hints.
[[nodiscard]] std::vector<suspicion> suspect_words(const segment& queue, const snapshot& s);

/// Checks the table of participants.
[[nodiscard]] std::vector<suspicion> suspect_participants(const segment& queue, const snapshot& s);

/// The slots where a record begins that no other record covers.
[[nodiscard]] std::vector<std::size_t> records(const segment& queue, const snapshot& s);

/// What participant `id` has in its hands, in words.
[[nodiscard]] std::string hands_of(const segment& queue, const snapshot& s, std::uint32_t id);

/// "publisher pid 123 (place 4)"
[[nodiscard]] std::string describe(const place& p, std::uint32_t id);

}  // namespace millrace::detail
