// The questions of millrace_link_bench. Each registers its benchmarks, named question/peer/size.
#pragma once

namespace bench {

void ask_link_idle();
void ask_link_messages();
void ask_link_one_way();
void ask_link_round_trip();

}  // namespace bench
