// A broker: lines of text from thermometers, each of which has a resource of its own. What goes
// wrong is logged by spdlog, costs one line or one thermometer, and disturbs no other.
#include <exception>
#include <stdexcept>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <millrace/millrace.hpp>

namespace {

struct mean {
  double sum = 0;
  int count = 0;
};

using to = millrace::routed<std::string, double>;

/// "new attic", then "attic 21.5" as often as you like. Throws what makes no sense.
to demultiplex(const std::string& line) {
  const auto blank = line.find(' ');
  if (blank == std::string::npos) {
    throw std::invalid_argument(fmt::format("no reading in '{}'", line));
  }
  std::string first = line.substr(0, blank);
  std::string second = line.substr(blank + 1);
  return first == "new" ? to::initialize(std::move(second))
                        : to::dispatch(std::move(first), std::stod(second));
}

mean create(const std::string& /*place*/, const double* /*first*/) {
  return {};
}

millrace::keep_resource handle(const std::string& /*place*/, double degrees, mean& m) {
  if (degrees < -273.15) {
    throw std::range_error(fmt::format("{} degrees", degrees));
  }
  m.sum += degrees;
  ++m.count;
  return {};
}

int means = 0;

/// Also called for a thermometer that made no sense in the end.
void clean(const std::string& place, const mean& m) {
  fmt::print("{}: {:.1f} degrees in {} readings\n", place, m.sum / m.count, m.count);
  ++means;
}

void log_report(const millrace::pool_report<std::string>& r) {
  const std::string place = r.key != nullptr ? *r.key : "unknown place";
  try {
    if (r.error) {
      std::rethrow_exception(r.error);
    }
    spdlog::info("{}: {}", to_string(r.event), place);
  } catch (const std::exception& e) {
    spdlog::warn("{}: {}: {}", to_string(r.event), place, e.what());
  }
}

}  // namespace

int main() {
  millrace::message_box<std::string> lines;
  {
    auto in = lines.new_input();
    for (const char* line : {"new attic", "attic 21.5", "new cellar", "cellar 9", "garden 14",
                             "new attic", "attic 22.5", "attic", "cellar warm", "cellar 11",
                             "new sauna", "sauna 80", "sauna -300", "sauna 85"}) {
      in.deliver(line);
    }
  }
  millrace::broker thermometers(demultiplex, create, handle, clean, log_report);
  thermometers.run(lines);  // until there is none any more
  return means == 3 ? 0 : 1;
}
