// The account of what arrived.
#include "arrivals.hpp"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <unordered_set>

#include <fmt/core.h>

#include "../support/file_piece.hpp"

namespace sample {

namespace {

std::vector<std::byte> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<std::byte> bytes(std::filesystem::file_size(path));
  if (!file.read(reinterpret_cast<char*>(bytes.data()), std::ssize(bytes)))
    throw std::runtime_error("cannot read " + path);
  return bytes;
}

// What is wrong with a file's pieces, if anything. They must follow on one another from 0 to the
// file's end, each with the bytes that the file has there.
template <class Piece>
std::optional<std::string> first_difference(std::vector<Piece> pieces,
                                            std::span<const std::byte> file) {
  std::ranges::sort(pieces, {}, &Piece::offset);
  std::uint64_t expected = 0;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const Piece& p = pieces[i];
    if (i > 0 && p.offset == pieces[i - 1].offset)
      return fmt::format("the piece at {} arrived twice", p.offset);
    if (p.offset > expected)
      return fmt::format("bytes {} to {} are missing", expected, p.offset);
    if (p.offset < expected)
      return fmt::format("the pieces overlap at {}", p.offset);
    expected += p.length;
    if (expected > file.size())
      return fmt::format("{} bytes arrived of a file of {}", expected, file.size());
    if (p.checksum != checksum(file.subspan(p.offset, p.length)))
      return fmt::format("the piece at {} arrived changed", p.offset);
  }
  if (expected < file.size())
    return fmt::format("bytes {} to {} are missing", expected, file.size());
  return std::nullopt;
}

}  // namespace

void arrivals::take_lines(std::string& printed) {
  std::size_t begin = 0;
  for (std::size_t end; (end = printed.find('\n', begin)) != std::string::npos; begin = end + 1)
    take(printed.substr(begin, end - begin));
  printed.erase(0, begin);
}

void arrivals::take(const std::string& line) {
  piece p{};
  std::uint64_t file_size = 0;
  int path = 0;
  std::sscanf(line.c_str(), "%" SCNx64 " %" SCNu64 "+%" SCNu64 "/%" SCNu64 " %n", &p.checksum,
              &p.offset, &p.length, &file_size, &path);
  if (path == 0)
    throw std::runtime_error("a subscriber printed: " + line);
  pieces_[line.substr(static_cast<std::size_t>(path))].push_back(p);
  ++messages_;
  bytes_ += p.length;
}

std::vector<std::string> arrivals::differences(const std::vector<std::string>& sent) const {
  std::vector<std::string> found;
  for (const std::string& path : sent) {
    const auto file = pieces_.find(path);
    if (file == pieces_.end()) {
      found.push_back(path + ": all of it is missing");
      continue;
    }
    if (const auto difference = first_difference(file->second, read_file(path)))
      found.push_back(path + ": " + *difference);
  }
  const std::unordered_set<std::string_view> known(sent.begin(), sent.end());
  for (const auto& [path, pieces] : pieces_)
    if (!known.contains(path))
      found.push_back(path + ": arrived, but nobody sent it");
  return found;
}

}  // namespace sample
