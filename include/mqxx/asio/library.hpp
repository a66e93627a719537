// Which Asio mqxx/asio.hpp stands on: the standalone one, or Boost's where MQXX_BOOST_ASIO is defined. One program may
// hold files of both kinds: their classes are in two inline namespaces, which nobody need write.
#pragma once

#ifdef MQXX_BOOST_ASIO
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/error_code.hpp>
#define MQXX_ASIO_KIND with_boost
#else
#include <asio/any_io_executor.hpp>
#include <asio/associated_allocator.hpp>
#include <asio/associated_cancellation_slot.hpp>
#include <asio/associated_executor.hpp>
#include <asio/async_result.hpp>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/bind_executor.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/dispatch.hpp>
#include <asio/error.hpp>
#include <asio/execution_context.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/post.hpp>
#define MQXX_ASIO_KIND standalone
#endif

namespace mqxx {
inline namespace MQXX_ASIO_KIND {
namespace async {

#ifdef MQXX_BOOST_ASIO
namespace net = ::boost::asio;
/// What completion handlers get. It compares with Errc and std::errc as a std::error_code does.
using ErrorCode = ::boost::system::error_code;
#else
namespace net = ::asio;
/// What completion handlers get.
using ErrorCode = ::asio::error_code;
#endif

}  // namespace async
}  // namespace MQXX_ASIO_KIND
}  // namespace mqxx
