// All of millrace, but for box/asio_executor.hpp, which needs Boost.Asio.
#pragma once

#include <millrace/box/byte_box.hpp>
#include <millrace/box/catch_all.hpp>
#include <millrace/box/command.hpp>
#include <millrace/box/fresh.hpp>
#include <millrace/box/message_box.hpp>
#include <millrace/box/policies.hpp>
#include <millrace/box/scheduler.hpp>
#include <millrace/box/select.hpp>
#include <millrace/box/task.hpp>
#include <millrace/core/error.hpp>
#include <millrace/core/status.hpp>
#include <millrace/pool/broker.hpp>
#include <millrace/pool/report.hpp>
#include <millrace/pool/routed.hpp>
#include <millrace/pool/worker_pool.hpp>
#include <millrace/queue/doctor.hpp>
#include <millrace/queue/growing_queue.hpp>
#include <millrace/queue/inspect.hpp>
#include <millrace/queue/local_queue.hpp>
#include <millrace/queue/options.hpp>
#include <millrace/queue/publisher.hpp>
#include <millrace/queue/queue.hpp>
#include <millrace/queue/subscriber.hpp>
#include <millrace/version.hpp>
