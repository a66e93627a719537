// mq save, mq load: the messages of a queue as a file, and back. format/archive.hpp is the file.
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <mqxx/queue.hpp>

#include "cli/command.hpp"
#include "cli/format/archive.hpp"
#include "cli/format/reader.hpp"
#include "cli/move/account.hpp"
#include "cli/move/interruption.hpp"
#include "cli/move/new_file.hpp"
#include "cli/move/sender.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "cli/queue_choice.hpp"
#include "cli/waiting.hpp"
#include "cli/walk.hpp"

namespace mqxx::cli {
namespace {

constexpr std::size_t kFlush = std::size_t{1} << 18U;  // bytes between two writes

// ---- save

struct Saving {
  std::string name;
  std::string file;
  bool take = false;
  Account account;
};

/// The messages that were there when it began, on loan. Those that are not released go back.
class Loans {
 public:
  explicit Loans(Queue& queue) : queue_(queue) {
    const std::size_t depth = queue.attributes().depth;
    loans_.reserve(depth);  // no memory is needed while a message is in hand
    try {
      while (loans_.size() < depth) {
        loans_.push_back(queue.try_receive_loan());
        if (loans_.back()) continue;
        loans_.pop_back();  // others were quicker
        break;
      }
    } catch (...) {
      put_back();
      throw;
    }
  }
  Loans(const Loans&) = delete;
  Loans& operator=(const Loans&) = delete;
  ~Loans() { put_back(); }

  [[nodiscard]] std::span<const ReceiveLoan> all() const { return loans_; }
  /// @throws Complaint  what was read is not what was sent
  void require_intact() const {
    if (loans_.empty() || loans_.back().intact()) return;
    throw Complaint(Status::damaged, fmt::format("save '{}': the queue's file was cut short (EBADMSG)", queue_.name()));
  }
  void release() {
    for (ReceiveLoan& loan : loans_) loan.release();
    loans_.clear();
  }

 private:
  void put_back() noexcept {
    for (ReceiveLoan& loan : loans_) loan.put_back();
    loans_.clear();
  }

  Queue& queue_;
  std::vector<ReceiveLoan> loans_;
};

/// The file while it grows.
class Writer {
 public:
  Writer(NewFile& file, const Attributes& attributes, Progress& progress) : file_(file), progress_(progress) {
    append_archive_header({attributes.capacity, attributes.message_size}, text_);
  }
  /// A Message or a loan.
  template <class Messages>
  void add_all(const Messages& messages, const std::stop_token& stop) {
    for (const auto& message : messages) {
      const std::span<const std::byte> bytes = message.bytes();
      append_archive_record({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, message.priority(), text_);
      ++count_;
      if (text_.size() < kFlush) continue;
      if (stop.stop_requested()) return;
      flush();
    }
  }
  void end() {
    append_archive_end(count_, text_);
    flush();
    file_.commit();
  }
  [[nodiscard]] std::uint64_t count() const { return count_; }

 private:
  void flush() {
    file_.write(text_);
    text_.clear();
    progress_.show(count_);
  }

  NewFile& file_;
  Progress& progress_;
  std::string text_;
  std::uint64_t count_ = 0;
};

/// @return how many, or nothing when it was interrupted
std::optional<std::uint64_t> save_to(NewFile& file, const Saving& wanted, Queue& queue, const std::stop_token& stop) {
  Progress progress("save " + queue.name());
  const Attributes attributes = queue.attributes();
  progress.expect_messages(attributes.depth);
  Writer writer(file, attributes, progress);
  if (wanted.take) {
    Loans loans(queue);
    writer.add_all(loans.all(), stop);
    if (stop.stop_requested()) return std::nullopt;
    loans.require_intact();
    writer.end();
    loans.release();
    return writer.count();
  }
  Walk walk(queue, attributes.depth, {});
  for (auto found = walk.next(); !found.empty(); found = walk.next()) {
    writer.add_all(found, stop);
    if (stop.stop_requested()) return std::nullopt;
  }
  writer.end();
  return writer.count();
}

Status save(const Saving& wanted) {
  static_cast<void>(std::signal(SIGXFSZ, SIG_IGN));  // a file that may not grow is an error like a full disk
  Queue queue = Queue::open(wanted.name, {.access = Access::read_only});
  std::optional<Interruption> interruption;
  std::optional<std::uint64_t> saved;
  {
    NewFile file(wanted.file);
    if (file.is_stdout() && is_terminal_out()) {
      throw Complaint(Status::usage, "save: this is nothing for a terminal; name a file, or send it through a pipe");
    }
    // Where there is a file to take away and there are messages to put back, Ctrl-C waits for that.
    if (file.is_regular()) interruption.emplace();
    saved = save_to(file, wanted, queue, interruption ? interruption->token() : std::stop_token());
    if (saved && !file.is_stdout()) wanted.account.tell(*saved, wanted.take ? "saved and taken" : "saved");
  }
  if (!saved) interruption->end_if_interrupted();
  return Status::done;
}

// ---- load

struct Loading {
  std::string name;
  std::string file;
  bool create = false;
  Waiting waiting;
  Account account;
};

class OpenFile {
 public:
  explicit OpenFile(const std::string& path) : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (descriptor_ >= 0) return;
    const int error = errno;
    throw Complaint(error == EACCES ? Status::denied : Status::failed,
                    fmt::format("open '{}': {}", path, std::generic_category().message(error)));
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() { ::close(descriptor_); }
  [[nodiscard]] int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

Queue open_for(const Loading& wanted, const ArchiveHeader& header) {
  if (!wanted.create) return Queue::open(wanted.name, {.access = Access::write_only});
  return Queue::open_or_create(wanted.name, {.access = Access::write_only,
                                             .capacity = static_cast<std::size_t>(header.capacity),
                                             .message_size = static_cast<std::size_t>(header.message_size)});
}

Status load_from(const Loading& wanted, Input& input) {
  const std::uint64_t expected = input.expected();
  try {
    ArchiveReader reader(input);
    Queue queue = open_for(wanted, reader.header());
    reader.limit(std::min(reader.header().message_size, std::uint64_t{queue.attributes().message_size}));
    Progress progress("load " + queue.name(), !input.is_terminal());
    progress.expect_bytes(expected);
    Sender sender("load", queue, wanted.waiting, progress);
    try {
      for (auto messages = reader.next(); !messages.empty(); messages = reader.next()) {
        sender.send(messages);
        progress.show(sender.sent(), input.taken());
      }
    } catch (const BadRecord& bad) {
      sender.fail(bad.what(), bad.too_long ? "EMSGSIZE" : "EBADMSG");
    }
    wanted.account.tell(sender.sent(), "loaded");
    return Status::done;
  } catch (const BadRecord& bad) {
    throw Complaint(Status::failed, fmt::format("load '{}': {} (EBADMSG)", wanted.name, bad.what()));
  }
}

Status load(const Loading& wanted) {
  if (wanted.file.empty() || wanted.file == "-") {
    Input input(STDIN_FILENO, "standard input");
    return load_from(wanted, input);
  }
  const OpenFile file(wanted.file);
  Input input(file.descriptor(), wanted.file);
  return load_from(wanted, input);
}

}  // namespace

Run declare_save(CLI::App& app) {
  auto wanted = std::make_shared<Saving>();
  const CLI::Option* queue = add_queue(app, wanted->name);
  app.add_option("FILE", wanted->file, "The file (default: standard output)")->type_name("FILE");
  app.add_flag("--take", wanted->take, "Take the messages out of the queue, once the file is whole");
  add_account(app, wanted->account);
  app.footer(
      "Writes all messages, their priorities, the capacity and the message size to FILE, or to standard\n"
      "output, and takes none. FILE appears when it is whole; with --take the messages are gone then, and\n"
      "otherwise they are all back. Says how many it were.\n\n"
      "Examples:\n"
      "  mq save /orders orders.save\n"
      "  mq save /orders --take | gzip >orders.save.gz\n");
  return [wanted, queue] {
    require_queue(queue);
    return save(*wanted);
  };
}

Run declare_load(CLI::App& app) {
  auto wanted = std::make_shared<Loading>();
  const CLI::Option* queue = add_queue(app, wanted->name);
  app.add_option("FILE", wanted->file, "The file (default: standard input)")->type_name("FILE");
  app.add_flag("--create", wanted->create, "Create the queue, as it was, if there is none");
  add_waiting(app, wanted->waiting);
  add_account(app, wanted->account);
  app.footer(
      "Sends all messages of a file that mq save has written. A record that is damaged or half there is told\n"
      "with its number; those before it were sent. Says how many it were.\n\n"
      "Examples:\n"
      "  mq load /orders orders.save\n"
      "  gunzip <orders.save.gz | mq load /orders --create\n");
  return [wanted, queue] {
    require_queue(queue);
    return load(*wanted);
  };
}

}  // namespace mqxx::cli
