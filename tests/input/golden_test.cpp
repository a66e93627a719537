// Golden files: one queue of each format there ever was, as bytes. This build reads its own format's whatever wrote it,
// and refuses the others by number.
//
// golden/format-N.txt has the lines of the file that are not zero, sixteen bytes each behind their offset, and at the
// end its size. Who bumps the format runs this test once with MQXX_WRITE_GOLDEN=1 and adds what it wrote.
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iomanip>
#include <sstream>

#include "support/queue_test.hpp"

namespace mqxx::test {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t kLine = 16;

class Golden : public QueueTest {
 protected:
  /// A queue whose messages are in the index, in the ring and, one of them, gone.
  fs::path make_queue(const char* name) {
    Queue queue = Queue::create(name, {.capacity = 10, .message_size = 64});
    for (const auto& [text, priority] : {std::pair{"low", 1U}, {"high", 32767U}, {"middle", 700U}, {"gone", 32767U}}) {
      queue.send(text, priority);
    }
    auto loan = queue.receive_loan();
    EXPECT_EQ(loan.priority(), 32767U);
    loan.put_back();
    EXPECT_EQ(queue.receive().text(), "high");
    queue.send("late", 1);
    return directory_.queue_file();
  }

  static std::string bytes_of(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  static std::uint32_t number_at(const std::string& bytes, std::size_t offset) {
    std::uint32_t number = 0;
    std::memcpy(&number, bytes.data() + offset, sizeof number);
    return number;
  }
  // These two stand there in every format.
  static std::uint32_t format_of(const std::string& bytes) { return number_at(bytes, 8); }
  static std::uint32_t fingerprint_of(const std::string& bytes) { return number_at(bytes, 12); }

  static fs::path golden(std::uint32_t format) {
    return fs::path(MQXX_GOLDEN_FILES) / ("format-" + std::to_string(format) + ".txt");
  }

  static void write(const std::string& bytes, const fs::path& path) {
    std::ofstream text(path);
    text << std::hex << std::setfill('0');
    for (std::size_t at = 0; at < bytes.size(); at += kLine) {
      const std::string line = bytes.substr(at, kLine);
      if (line.find_first_not_of('\0') == std::string::npos) continue;
      text << std::setw(8) << at;
      for (const char byte : line)
        text << ' ' << std::setw(2) << static_cast<unsigned>(static_cast<unsigned char>(byte));
      text << '\n';
    }
    text << std::setw(8) << bytes.size() << '\n';
  }

  static std::string read(const fs::path& path) {
    std::string bytes;
    std::ifstream text(path);
    for (std::string line; std::getline(text, line);) {
      std::istringstream numbers(line);
      numbers >> std::hex;
      std::size_t at = 0;
      numbers >> at;
      bytes.resize(at, '\0');
      for (unsigned byte = 0; numbers >> byte;) bytes.push_back(static_cast<char>(byte));
    }
    return bytes;
  }

  /// Puts the golden file of a format where the queue of that name lies.
  std::string put(std::uint32_t format, const fs::path& place) {
    const std::string bytes = read(golden(format));
    std::ofstream file(place, std::ios::binary | std::ios::trunc);
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return bytes;
  }

  /// Where the file of queue /golden lies, which is gone, and what such a file looks like here and now.
  std::pair<fs::path, std::string> fresh() {
    const fs::path place = make_queue("/golden");
    std::string bytes = bytes_of(place);
    Queue::unlink("/golden");
    return {place, std::move(bytes)};
  }
};

TEST_F(Golden, QueueOfThisFormatIsReadWhoeverWroteIt) {
  const auto [place, today] = fresh();
  const std::uint32_t format = format_of(today);
  if (std::getenv("MQXX_WRITE_GOLDEN") != nullptr) write(today, golden(format));
  ASSERT_TRUE(fs::exists(golden(format))) << "the format is new; see the first comment of this file";
  const std::string bytes = put(format, place);
  ASSERT_EQ(format_of(bytes), format);
  if (fingerprint_of(bytes) != fingerprint_of(today)) GTEST_SKIP() << "the golden file is of another kind of machine";

  EXPECT_EQ(broken_invariants("/golden"), "");
  Queue queue = Queue::open("/golden");
  EXPECT_EQ(queue.attributes().capacity, 10U);
  EXPECT_EQ(queue.attributes().message_size, 64U);
  EXPECT_EQ(drained(queue), (std::vector<std::string>{"gone", "middle", "low", "late"}));
  EXPECT_EQ(queue.statistics().messages_sent, 5U);
  send_numbers(queue, 10);
  EXPECT_FALSE(queue.try_send("one too many"));
  EXPECT_EQ(broken_invariants("/golden"), "");
}

TEST_F(Golden, QueueOfAnEarlierFormatIsRefusedByItsNumber) {
  const auto [place, today] = fresh();
  for (std::uint32_t format = 1; format < format_of(today); ++format) {
    ASSERT_TRUE(fs::exists(golden(format))) << format;
    ASSERT_EQ(format_of(put(format, place)), format);
    EXPECT_TRUE(fails_with(Errc::layout_mismatch, [] { (void)Queue::open("/golden"); })) << format;
    EXPECT_TRUE(says(sentence_of([] { (void)Queue::open("/golden"); }), "'/golden'", "format " + std::to_string(format),
                     std::to_string(format_of(today))));
  }
}

}  // namespace
}  // namespace mqxx::test
