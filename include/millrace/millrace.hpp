// All of millrace.
#pragma once

#include <millrace/box/byte_box.hpp>
#include <millrace/box/message_box.hpp>
#include <millrace/core/error.hpp>
#include <millrace/core/status.hpp>
#include <millrace/queue/doctor.hpp>
#include <millrace/queue/inspect.hpp>
#include <millrace/queue/options.hpp>
#include <millrace/queue/publisher.hpp>
#include <millrace/queue/queue.hpp>
#include <millrace/queue/subscriber.hpp>
#include <millrace/version.hpp>
