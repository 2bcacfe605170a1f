// The main program of every doctest executable: doctest's own, with a watchdog over each case, and
// with a /dev/shm of its own where the system lets it have one.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include "support/own_mounts.hpp"
#include "support/watchdog.hpp"

namespace {

struct watch_every_case : doctest::IReporter {
  explicit watch_every_case(const doctest::ContextOptions&) {}
  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_run_end(const doctest::TestRunStats&) override {}
  void test_case_start(const doctest::TestCaseData& data) override {
    test::watch_case(data.m_name);
  }
  void test_case_reenter(const doctest::TestCaseData& data) override {
    test::watch_case(data.m_name);
  }
  void test_case_end(const doctest::CurrentTestCaseStats&) override {}
  void test_case_exception(const doctest::TestCaseException&) override {}
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData&) override {}
  void log_message(const doctest::MessageData&) override {}
  void test_case_skipped(const doctest::TestCaseData&) override {}
};

REGISTER_LISTENER("watchdog", 1, watch_every_case);

}  // namespace

int main(int argc, char** argv) {
  test::take_own_shared_memory();
  return doctest::Context(argc, argv).run();
}
