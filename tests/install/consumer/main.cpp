// Sends one message to itself through a queue in the directory it is given, and prints it.
#include <iostream>

#include <millrace/millrace.hpp>

int main(int, char** arguments) {
  const millrace::queue_options options{.directory = arguments[1]};
  millrace::publisher publisher("installed", options);
  millrace::subscriber subscriber("installed", options);
  if (publisher.try_enqueue("millrace is installed") != millrace::status::ok) {
    return 1;
  }
  const auto message = subscriber.try_dequeue();
  if (!message) {
    return 1;
  }
  std::cout << message->text() << '\n';
}
