// Names instead of numbers in doctest's messages.
#pragma once

#include <string>

#include <doctest/doctest.h>

#include <millrace/core/error.hpp>
#include <millrace/core/status.hpp>

namespace doctest {

template <>
struct StringMaker<millrace::status> {
  static String convert(millrace::status value) {
    return std::string(millrace::to_string(value)).c_str();
  }
};

template <>
struct StringMaker<millrace::errc> {
  static String convert(millrace::errc value) {
    return std::string(millrace::to_string(value)).c_str();
  }
};

}  // namespace doctest
