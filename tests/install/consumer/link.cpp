// Sends one message to itself over TCP, and prints it.
#include <iostream>

#include <millrace/link/tcp_link.hpp>

int main() {
  millrace::tcp_link link;
  millrace::datagram received;
  if (link.send_acknowledged(link.address(), "millrace is installed") !=
          millrace::link_status::ok ||
      link.try_receive(received) != millrace::status::ok) {
    return 1;
  }
  std::cout.write(reinterpret_cast<const char*>(received.bytes.data()),
                  static_cast<std::streamsize>(received.bytes.size()));
  std::cout << '\n';
}
