// mq save, mq load: the messages of a queue as a file, and back. format/archive.hpp is the file.
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <memory>
#include <optional>
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

/// The messages that were there when it began, as copies or on loan. Those on loan go back unless they are released.
class Found {
 public:
  Found(Queue& queue, bool take) : queue_(queue) {
    const std::size_t depth = queue.attributes().depth;
    loans_.reserve(take ? depth : 0);  // no memory is needed while a message is in hand
    if (!take) {
      copies_ = queue.peek(depth);
      size_ = copies_.size();
      return;
    }
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
    size_ = loans_.size();
  }
  Found(const Found&) = delete;
  Found& operator=(const Found&) = delete;
  ~Found() { put_back(); }

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::string_view bytes(std::size_t i) const {
    const std::span<const std::byte> found = loans_.empty() ? copies_[i].bytes() : loans_[i].bytes();
    return {reinterpret_cast<const char*>(found.data()), found.size()};
  }
  [[nodiscard]] Priority priority(std::size_t i) const {
    return loans_.empty() ? copies_[i].priority() : loans_[i].priority();
  }
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
  std::vector<Message> copies_;
  std::vector<ReceiveLoan> loans_;
  std::size_t size_ = 0;
};

/// @return false when it was interrupted
bool write_archive(const Found& found, const ArchiveHeader& header, NewFile& file, Progress& progress,
                   const std::stop_token& stop) {
  std::string text;
  append_archive_header(header, text);
  progress.expect_messages(found.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    append_archive_record(found.bytes(i), found.priority(i), text);
    if (text.size() < kFlush) continue;
    if (stop.stop_requested()) return false;
    file.write(text);
    text.clear();
    progress.show(i + 1);
  }
  append_archive_end(found.size(), text);
  found.require_intact();
  file.write(text);
  return true;
}

/// @return how many, or nothing when it was interrupted
std::optional<std::size_t> save_to(NewFile& file, const Saving& wanted, Queue& queue, const std::stop_token& stop) {
  Progress progress("save " + queue.name());
  Found found(queue, wanted.take);
  const Attributes attributes = queue.attributes();
  if (!write_archive(found, {attributes.capacity, attributes.message_size}, file, progress, stop)) return std::nullopt;
  file.commit();
  found.release();
  return found.size();
}

Status save(const Saving& wanted) {
  static_cast<void>(std::signal(SIGXFSZ, SIG_IGN));  // a file that may not grow is an error like a full disk
  Queue queue = Queue::open(wanted.name, {.access = Access::read_only});
  std::optional<Interruption> interruption;
  std::optional<std::size_t> saved;
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
