// The library's enumerators as the command line and its JSON spell them.
#pragma once

#include <string_view>

#include <millrace/queue/options.hpp>

namespace millrace::cli {

constexpr std::string_view name_of(lifetime life) {
  return life == lifetime::persistent ? "persistent" : "transient";
}

constexpr std::string_view name_of(delivery guarantee) {
  return guarantee == delivery::at_least_once ? "at_least_once" : "at_most_once";
}

constexpr std::string_view name_of(role who) {
  return who == role::shared ? "shared" : "exclusive";
}

/// What a participant is.
constexpr std::string_view side_name(bool publishes) {
  return publishes ? "publisher" : "subscriber";
}

}  // namespace millrace::cli
