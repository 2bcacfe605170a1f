// The log of mishaps: whom they concerned, and that nothing depends on whether a line is whole.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <unistd.h>

#include <millrace/millrace.hpp>

#include "queue/incidents.hpp"
#include "support/bytes.hpp"
#include "support/child.hpp"
#include "support/scratch.hpp"
#include "support/victims.hpp"

using millrace::mishap;
using millrace::publisher;
using millrace::status;
using millrace::subscriber;
using millrace::detail::header;
using millrace::detail::incident_line;
using millrace::detail::incidents_of;
using millrace::detail::note;
using millrace::detail::participant_record;
using namespace std::chrono_literals;
using test::begin_to_read;
using test::begin_to_write;
using test::someone_who;

namespace {

std::uint32_t number(pid_t pid) {
  return static_cast<std::uint32_t>(pid);
}

}  // namespace

TEST_CASE("stat tells who died, who cleaned up and what was found") {
  test::scratch directory;
  const auto options = directory.options(64 * 64, 64);
  const auto before = std::chrono::system_clock::now();
  publisher p("q", options);
  for (std::uint32_t i = 0; i < 3; ++i) {
    REQUIRE(p.try_enqueue(test::numbered(i)) == status::ok);
  }
  auto reader = someone_who([&] { return begin_to_read(options, 3); });
  auto writer = someone_who([&] { return begin_to_write(options, 150); });
  const auto reader_pid = number(reader.pid());
  const auto writer_pid = number(writer.pid());
  reader.kill();
  writer.kill();
  subscriber s("q", options);
  const auto after = std::chrono::system_clock::now();
  auto incidents = millrace::stat("q", directory.path()).incidents;
  REQUIRE(incidents.size() == 2);
  std::ranges::sort(incidents, {}, &millrace::incident::publishes);
  const auto& of_reader = incidents[0];
  const auto& of_writer = incidents[1];
  CHECK(of_reader.pid == reader_pid);
  CHECK(of_reader.orphaned == 3);
  CHECK(of_reader.abandoned == 0);
  CHECK(of_reader.dropped == 0);
  CHECK(of_writer.pid == writer_pid);
  CHECK(of_writer.publishes);
  CHECK(of_writer.abandoned == 1);
  CHECK(of_writer.orphaned == 0);
  CHECK(of_reader.id != of_writer.id);
  for (const auto& each : incidents) {
    CHECK(each.what == mishap::death);
    CHECK(each.by == number(::getpid()));
    CHECK(each.when >= before);
    CHECK(each.when <= after);
  }
  // Who got it again is told as well.
  for (int i = 0; i < 3; ++i) {
    REQUIRE(s.try_dequeue());
  }
  for (const auto& each : millrace::stat("q", directory.path()).participants) {
    CHECK(each.redeliveries == (each.publishes ? 0 : 3));
  }
}

TEST_CASE("stat tells what was dropped where delivery is at most once") {
  test::scratch directory;
  auto options = directory.options(64 * 64, 64);
  options.guarantee = millrace::delivery::at_most_once;
  publisher p("q", options);
  REQUIRE(p.try_enqueue("once") == status::ok);
  REQUIRE(p.try_enqueue(test::bytes(200)) == status::ok);
  auto reader = someone_who([&] { return begin_to_read(options, 2); });
  reader.kill();
  const subscriber s("q", options);
  const auto incidents = millrace::stat("q", directory.path()).incidents;
  REQUIRE(incidents.size() == 1);
  CHECK(incidents[0].dropped == 2);
  CHECK(incidents[0].orphaned == 0);
}

TEST_CASE("stat tells whose claim was gone around, and by whom") {
  test::scratch directory;
  const auto options = directory.options(64 * 64, 64);
  subscriber s("q", options);
  auto writer = someone_who([&] { return begin_to_write(options, 10); });
  const auto writer_pid = number(writer.pid());
  writer.freeze();
  publisher p("q", options);
  REQUIRE(p.try_enqueue("beyond") == status::ok);
  REQUIRE(s.dequeue());
  const auto info = millrace::stat("q", directory.path());
  CHECK(info.revocations == 1);
  REQUIRE(info.incidents.size() == 1);
  CHECK(info.incidents[0].what == mishap::revocation);
  CHECK(info.incidents[0].pid == writer_pid);
  CHECK(info.incidents[0].publishes);
  CHECK(info.incidents[0].by == number(::getpid()));
}

TEST_CASE("counts and log outlive those whom they concern, and keep the last sixteen deaths") {
  test::scratch directory;
  const auto options = directory.options(64 * 64, 64);
  std::vector<std::uint32_t> dead;
  for (int i = 0; i < 20; ++i) {
    auto writer = someone_who([&] { return begin_to_write(options, 10); });
    dead.push_back(number(writer.pid()));
    writer.kill();
  }
  { const publisher last("q", options); }
  const auto info = millrace::stat("q", directory.path());
  CHECK(info.participants.empty());
  CHECK(info.recoveries == 20);
  CHECK(info.abandoned == 20);
  std::vector<std::uint32_t> logged;
  for (const auto& each : info.incidents) {
    logged.push_back(each.pid);
  }
  CHECK(logged == std::vector<std::uint32_t>(dead.end() - 16, dead.end()));
}

TEST_CASE("a line that was cut off, or mixed with another one, is passed over, and no other") {
  header head{};
  participant_record record{};
  for (std::uint32_t i = 1; i <= 4; ++i) {
    record.pid.store(i);
    note(head.deaths, i, record, {i, i, i});
  }
  REQUIRE(incidents_of(head).size() == 4);
  using part = std::atomic<std::uint64_t> incident_line::*;
  const part parts[] = {&incident_line::number,    &incident_line::time,
                        &incident_line::place,     &incident_line::pids,
                        &incident_line::abandoned, &incident_line::orphaned,
                        &incident_line::dropped,   &incident_line::checksum};
  auto& damaged = head.deaths.lines[1];
  const auto& other = head.deaths.lines[2];
  for (const part each : parts) {
    const auto whole = (damaged.*each).load();
    for (const auto wrong : {std::uint64_t{0}, whole ^ 1, (other.*each).load()}) {
      (damaged.*each).store(wrong);
      const auto left = incidents_of(head);
      CHECK(left.size() == 3);
      CHECK(std::ranges::none_of(left, [](const auto& line) { return line.pid == 2; }));
    }
    (damaged.*each).store(whole);
  }
  CHECK(incidents_of(head).size() == 4);
}
