// What one can ask the calculator: known to its service and to those who call it.
#pragma once

#include <string>
#include <vector>

#include <millrace/millrace.hpp>

namespace sample {

struct divide {
  double number;
  double by;
  using returns = millrace::returns<double>;
};
struct sum {
  std::vector<double> numbers;
  using returns = millrace::returns<double>;
};
/// What the calculator should remember, under a name; nobody waits for that.
struct remember {
  std::string name;
  double value;
  using returns = millrace::fire_and_forget;
};
struct recall {
  std::string name;
  using returns = millrace::returns<double>;
};

using calculator = millrace::protocol<divide, sum, remember, recall>;

}  // namespace sample
