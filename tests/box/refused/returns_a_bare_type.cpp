// says: a command returns millrace::fire_and_forget or millrace::returns<R>
#include "box/shop.hpp"

struct lend {
  using returns = bool;
};

using api = millrace::protocol<lend>;
void use(millrace::message_box<api::message>::input_type& in) {
  (void)call(in, lend{}, std::chrono::seconds(1));
}
