// Sends one message to itself over a link, and prints it.
#include <iostream>
#include <string_view>

#include <millrace/link/tcp_link.hpp>

int main() {
  millrace::tcp_link link;
  millrace::datagram d;
  if (link.send_acknowledged(link.address(), "millrace is installed") !=
          millrace::link_status::ok ||
      link.try_receive(d) != millrace::status::ok) {
    return 1;
  }
  std::cout << std::string_view(reinterpret_cast<const char*>(d.bytes.data()), d.bytes.size())
            << '\n';
}
