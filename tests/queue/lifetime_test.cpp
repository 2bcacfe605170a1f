// Transient queues go with their last participant, persistent ones stay.
#include <memory>

#include <doctest/doctest.h>

#include <millrace/millrace.hpp>

#include "support/child.hpp"
#include "support/errors.hpp"
#include "support/scratch.hpp"

using millrace::errc;
using millrace::lifetime;
using millrace::publisher;
using millrace::status;
using millrace::subscriber;

TEST_CASE("a transient queue goes with its last participant") {
  test::scratch directory;
  const auto semaphores = test::named_semaphores();
  auto options = directory.options(4096, 64);
  options.life = lifetime::transient;
  auto p = std::make_unique<publisher>("q", options);
  auto s = std::make_unique<subscriber>("q", options);
  CHECK(p->try_enqueue("x") == status::ok);
  SUBCASE("the publisher leaves first") {
    p.reset();
    CHECK(directory.entries().size() == 1);
    CHECK(s->try_dequeue());
    s.reset();
  }
  SUBCASE("the subscriber leaves first") {
    s.reset();
    CHECK(directory.entries().size() == 1);
    CHECK(p->try_enqueue("y") == status::ok);
    p.reset();
  }
  CHECK(directory.entries().empty());
  CHECK(test::named_semaphores() == semaphores);
  CHECK_ERROR(errc::not_found, millrace::stat("q", directory.path()));
  // A new one of that name begins empty.
  subscriber fresh("q", options);
  CHECK_FALSE(fresh.try_dequeue());
}

TEST_CASE("a persistent queue stays when its last participant leaves") {
  test::scratch directory;
  auto options = directory.options(4096, 64);
  options.life = lifetime::persistent;
  { CHECK(publisher("q", options).try_enqueue("x") == status::ok); }
  CHECK(millrace::stat("q", directory.path()).depth == 1);
  CHECK(subscriber("q", options).try_dequeue());
}

TEST_CASE("looking at a transient queue does not keep or end it") {
  test::scratch directory;
  auto options = directory.options(4096, 64);
  options.life = lifetime::transient;
  {
    publisher p("q", options);
    CHECK(p.try_enqueue("x") == status::ok);
    CHECK(millrace::stat("q", directory.path()).depth == 1);
    CHECK(millrace::peek("q", 1, directory.path()).size() == 1);
    CHECK(millrace::list(directory.path()).size() == 1);
    CHECK(millrace::stat("q", directory.path()).depth == 1);
  }
  CHECK(directory.entries().empty());
}

TEST_CASE("a participant that was killed does not keep a transient queue") {
  test::scratch directory;
  auto options = directory.options(4096, 64);
  options.life = lifetime::transient;
  const test::gate ready;
  auto victim = test::child::run([&] {
    subscriber s("q", options);
    ready.open();
    const test::gate never;
    never.await();
    return 0;
  });
  ready.await();
  {
    publisher p("q", options);
    victim.kill();
    CHECK(p.try_enqueue("x") == status::ok);
  }
  CHECK(directory.entries().empty());
}

TEST_CASE("a transient queue whose only participant was killed can be made anew") {
  test::scratch directory;
  const auto semaphores = test::named_semaphores();
  auto options = directory.options(4096, 64);
  options.life = lifetime::transient;
  const test::gate ready;
  auto victim = test::child::run([&] {
    publisher p("q", options);
    test::expect(p.try_enqueue("from the dead") == status::ok);
    ready.open();
    const test::gate never;
    never.await();
    return 0;
  });
  ready.await();
  victim.kill();
  {
    subscriber s("q", options);
    publisher p("q", options);
    CHECK(p.try_enqueue("alive") == status::ok);
    CHECK(s.dequeue());
  }
  CHECK(directory.entries().empty());
  CHECK(test::named_semaphores() == semaphores);
}
