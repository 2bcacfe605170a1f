// One piece of a file as a message. Every message says all about itself, so the pieces of many
// files may be published by several publishers, reach several subscribers in any order, and still
// be put together again.
//
//   0        8           16           20      24       24 + path size
//   +--------+-----------+-----------+-------+--------+-------------------+
//   | offset | file size | path size | magic | path   | bytes of the file |
//   +--------+-----------+-----------+-------+--------+-------------------+
//
// Numbers are in the machine's own byte order: both ends are on one machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string_view>
#include <vector>

#include <boost/crc.hpp>

namespace sample {

struct file_piece {
  std::string_view path;
  std::uint64_t offset;     // where in the file these bytes are
  std::uint64_t file_size;  // of the whole file
  std::span<const std::byte> bytes;
};

struct file_piece_header {
  std::uint64_t offset;
  std::uint64_t file_size;
  std::uint32_t path_size;
  std::uint32_t magic;  // tells a piece of a file from anything else that comes along
};
static_assert(sizeof(file_piece_header) == 24);

inline constexpr std::uint32_t file_piece_magic = 0x31'46'52'4d;  // "MRF1"

/// Lays the piece out in `frame`, whose memory is used again from call to call.
inline void pack(const file_piece& piece, std::vector<std::byte>& frame) {
  const file_piece_header header{piece.offset, piece.file_size,
                                 static_cast<std::uint32_t>(piece.path.size()), file_piece_magic};
  const auto head = std::as_bytes(std::span(&header, 1));
  const auto path = std::as_bytes(std::span(piece.path));
  frame.clear();
  frame.insert(frame.end(), head.begin(), head.end());
  frame.insert(frame.end(), path.begin(), path.end());
  frame.insert(frame.end(), piece.bytes.begin(), piece.bytes.end());
}

/// The piece in a message; it refers to the message's bytes, nothing is copied. Throws if the
/// message is something else.
inline file_piece unpack(std::span<const std::byte> frame) {
  file_piece_header header{};
  if (frame.size() >= sizeof header)
    std::memcpy(&header, frame.data(), sizeof header);
  if (header.magic != file_piece_magic || header.path_size > frame.size() - sizeof header)
    throw std::runtime_error("a message came that is no piece of a file");
  const auto path = frame.subspan(sizeof header, header.path_size);
  return {{reinterpret_cast<const char*>(path.data()), path.size()},
          header.offset,
          header.file_size,
          frame.subspan(sizeof header + path.size())};
}

/// CRC-64/XZ: notices whatever changes within 64 bits in a row, and all else but one in 2^64. Taken
/// from Boost.CRC because millrace needs Boost anyway: nothing more to install.
inline std::uint64_t checksum(std::span<const std::byte> bytes) {
  boost::crc_optimal<64, 0x42F0'E1EB'A9EA'3693, ~0ULL, ~0ULL, true, true> crc;
  crc.process_bytes(bytes.data(), bytes.size());
  return crc.checksum();
}

}  // namespace sample
