// Files in the queue directory that are no queues, or were: an error that says so, and nothing worse.
#include <algorithm>
#include <fstream>
#include <functional>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "support/queue_test.hpp"
#include "support/seed.hpp"

namespace mqxx::test {
namespace {

namespace fs = std::filesystem;

class ForeignFile : public QueueTest {
 protected:
  /// Where the file of queue /q lies. The queue is gone afterwards.
  fs::path place() {
    if (place_.empty()) {
      Queue queue = Queue::create("/q", {.capacity = 3, .message_size = 100});
      place_ = directory_.queue_file();
      queue.unlink();
    }
    return place_;
  }

  void put(const std::string& bytes) {
    std::ofstream file(place(), std::ios::binary | std::ios::trunc);
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }

  /// Everything that can be asked about /q is refused with one of `codes`, and the sentence says which queue.
  static void expect_refused(std::initializer_list<Errc> codes) {
    const auto refused = [&](const char* what, const std::function<void()>& call) {
      try {
        call();
        ADD_FAILURE() << what << " did not fail";
      } catch (const Error& error) {
        EXPECT_TRUE(std::ranges::any_of(codes, [&](Errc code) { return error.code() == code; }))
            << what << ": " << error.what();
        EXPECT_TRUE(says(error.what(), "'/q'"));
      }
    };
    refused("open", [] { (void)Queue::open("/q"); });
    refused("open_or_create", [] { (void)Queue::open_or_create("/q"); });
    refused("describe", [] { (void)describe("/q"); });
    refused("check", [] { (void)check("/q"); });
    EXPECT_TRUE(fails_with(Errc::already_exists, [] { (void)Queue::create("/q"); }));
    const std::vector<QueueInfo> infos = list();
    ASSERT_EQ(infos.size(), 1u);
    EXPECT_EQ(infos[0].name, "/q");
    EXPECT_TRUE(infos[0].error);
    EXPECT_EQ(infos[0].attributes.capacity, 0u);
  }

 private:
  fs::path place_;
};

TEST_F(ForeignFile, AnEmptyFileIsNotAQueue) {
  put("");
  expect_refused({Errc::not_a_queue});
}

TEST_F(ForeignFile, AFileOfOneByteIsNotAQueue) {
  put("x");
  expect_refused({Errc::not_a_queue});
}

TEST_F(ForeignFile, AFileOfTextIsNotAQueue) {
  std::string text;
  while (text.size() < 100000) text += "This is not a queue.\n";
  put(text);
  expect_refused({Errc::not_a_queue});
}

TEST_F(ForeignFile, AFileOfZerosIsNotAQueue) {
  put(std::string(1 << 20, '\0'));
  expect_refused({Errc::not_a_queue});
}

TEST_F(ForeignFile, AFileOfOnesIsNotAQueue) {
  put(std::string(1 << 20, '\xFF'));
  expect_refused({Errc::not_a_queue});
}

TEST_F(ForeignFile, FilesOfRandomBytesAreNotQueues) {
  Random random(fresh_seed());
  for (int i = 0; i < 50; ++i) {
    std::string bytes(random.below(20000), '\0');
    for (char& byte : bytes) byte = static_cast<char>(random.below(256));
    put(bytes);
    expect_refused({Errc::not_a_queue});
    if (HasFailure()) return;
  }
}

TEST_F(ForeignFile, TheErrorNamesTheWayOut) {
  put("not a queue");
  EXPECT_TRUE(says(sentence_of([] { (void)Queue::open("/q"); }), "open", "'/q'", "EBADMSG", "remove"));
}

TEST_F(ForeignFile, TheFileCanBeRemovedAndTheNameUsedAgain) {
  put("not a queue");
  Queue::unlink("/q");
  Queue queue = Queue::create("/q");
  queue.send("x");
  EXPECT_EQ(queue.receive().text(), "x");
}

TEST_F(ForeignFile, ADirectoryIsNotAQueue) {
  fs::create_directory(place());
  expect_refused({Errc::not_a_queue});
}

TEST_F(ForeignFile, ASymbolicLinkIsNotFollowed) {
  Queue victim = Queue::create("/victim", {.capacity = 3, .message_size = 100});
  const fs::path target = directory_.queue_file();
  const fs::path link = place();
  victim.unlink();
  std::ofstream(directory_.path() / "elsewhere") << "not to be touched";
  fs::create_symlink(directory_.path() / "elsewhere", link);
  expect_refused({Errc::not_a_queue});
  EXPECT_EQ(fs::file_size(directory_.path() / "elsewhere"), std::string("not to be touched").size());
}

TEST_F(ForeignFile, ADanglingSymbolicLinkCreatesNothing) {
  fs::create_symlink(directory_.path() / "elsewhere", place());
  EXPECT_TRUE(fails_with(Errc::not_a_queue, [] { (void)Queue::open_or_create("/q"); }));
  EXPECT_TRUE(fails_with(Errc::already_exists, [] { (void)Queue::create("/q"); }));
  EXPECT_FALSE(fs::exists(directory_.path() / "elsewhere"));
}

TEST_F(ForeignFile, AFifoDoesNotHoldUpWhoOpensIt) {
  ASSERT_EQ(::mkfifo(place().c_str(), 0600), 0);
  expect_refused({Errc::not_a_queue});
}

TEST_F(ForeignFile, ASocketIsNotAQueue) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_GE(fd, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = place().string();
  ASSERT_LT(path.size(), sizeof address.sun_path);
  path.copy(address.sun_path, path.size());
  EXPECT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  expect_refused({Errc::not_a_queue});
  ::close(fd);
}

TEST_F(ForeignFile, FilesOfOtherProgramsAreNotListed) {
  const Queue queue = Queue::create("/mine");
  for (const char* name : {"sem.other", "PostgreSQL.123", "x", ".hidden", "mqxx"}) {
    std::ofstream(directory_.path() / name) << "data";
  }
  const std::vector<QueueInfo> infos = list();
  ASSERT_EQ(infos.size(), 1u);
  EXPECT_EQ(infos[0].name, "/mine");
}

// ---- Queues once ------------------------------------------------------------------------------------------------

class TruncatedQueue : public ForeignFile {
 protected:
  /// The bytes of a queue that holds two messages.
  std::string whole() {
    const fs::path path = place();
    Queue queue = Queue::create("/q", {.capacity = 3, .message_size = 100});
    queue.send("first", 5);
    queue.send("second");
    std::ifstream file(path, std::ios::binary);
    std::string bytes{std::istreambuf_iterator<char>(file), {}};
    queue.unlink();
    return bytes;
  }
};

TEST_F(TruncatedQueue, AWholeCopyIsAQueue) {
  put(whole());
  Queue queue = Queue::open("/q");
  EXPECT_EQ(drained(queue), (std::vector<std::string>{"first", "second"}));
  EXPECT_EQ(broken_invariants("/q"), "");
}

TEST_F(TruncatedQueue, ACopyThatIsCutOffAnywhereIsRefused) {
  const std::string bytes = whole();
  for (const std::size_t size :
       {std::size_t{8}, std::size_t{63}, std::size_t{64}, std::size_t{1023}, std::size_t{1024}, std::size_t{4095},
        std::size_t{4096}, std::size_t{8192}, bytes.size() / 2, bytes.size() - 4096, bytes.size() - 1}) {
    SCOPED_TRACE(size);
    put(bytes.substr(0, size));
    expect_refused({Errc::not_a_queue, Errc::queue_damaged});
    if (HasFailure()) return;
  }
}

TEST_F(TruncatedQueue, ACopyWithSomethingAppendedIsRefused) {
  put(whole() + std::string(5000, 'x'));
  expect_refused({Errc::queue_damaged});
}

}  // namespace
}  // namespace mqxx::test
