// says: call waits as a thread: in a coroutine, co_await call_async and then the reply
#include "box/shop.hpp"

void use(const shop::box<>::input_type& in, const millrace::scheduler& where) {
  (void)call(in.on(where), shop::buy{"Emma"}, std::chrono::seconds(1));
}
