// What JetStream answers to a message that was published to a stream.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace millrace::detail {

struct publish_answer {
  bool stored;
  bool duplicate = false;  // it had been stored before
  int error = 0;           // the server's number for why it was not
  std::string text = {};
};

/// {"stream":"S","seq":7}, with "duplicate":true maybe, or {"error":{"err_code":...}}. Nearly all
/// are of the first kind, which is told without parsing: a quotation mark in a name would have a
/// backslash before it.
[[nodiscard]] inline publish_answer read_answer(std::string_view json) {
  if (json.find(R"("error")") == json.npos && json.find(R"("duplicate")") == json.npos) {
    return {.stored = true};
  }
  const auto answer = nlohmann::json::parse(json, nullptr, false);
  if (answer.is_object() && !answer.contains("error")) {
    return {.stored = true, .duplicate = answer.value("duplicate", false)};
  }
  publish_answer refusal{.stored = false, .text = "no answer that makes sense"};
  if (answer.is_object() && answer["error"].is_object()) {
    refusal.error = answer["error"].value("err_code", 0);
    refusal.text = answer["error"].value("description", std::string("refused"));
  }
  return refusal;
}

}  // namespace millrace::detail
