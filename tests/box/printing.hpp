// Names instead of numbers in doctest's messages.
#pragma once

#include <string>

#include <doctest/doctest.h>

#include <millrace/box/reply.hpp>

namespace doctest {

template <>
struct StringMaker<millrace::command_errc> {
  static String convert(millrace::command_errc value) {
    return std::string(millrace::to_string(value)).c_str();
  }
};

template <>
struct StringMaker<millrace::call_id> {
  static String convert(millrace::call_id value) { return std::to_string(value.value()).c_str(); }
};

}  // namespace doctest
