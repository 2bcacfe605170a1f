// json_value POINTER: reads JSON from standard input and prints the value the pointer leads to,
// strings without their quotes. Fails on anything that is not JSON or not there.
#include <exception>
#include <iostream>

#include <nlohmann/json.hpp>

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: json_value POINTER\n";
    return 2;
  }
  try {
    const auto document = nlohmann::json::parse(std::cin);
    const auto& value = document.at(nlohmann::json::json_pointer(argv[1]));
    if (value.is_string()) {
      std::cout << value.get<std::string>() << '\n';
    } else {
      std::cout << value << '\n';
    }
  } catch (const std::exception& problem) {
    std::cerr << "json_value: " << problem.what() << '\n';
    return 1;
  }
}
