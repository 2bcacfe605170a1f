// The questions of millrace_bench. Each registers its benchmarks, named question/peer/message size.
#pragma once

namespace bench {

void ask_pair();
void ask_one_way();
void ask_round_trip();
void ask_two_to_two();
void ask_recovery();

}  // namespace bench
