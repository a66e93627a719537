// One test for each duty of os/memory.hpp, as far as the ports have them alike; the rest is in linux/.
#include "os/memory.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/child.hpp"
#include "support/private_directory.hpp"

namespace mqxx::os {
namespace {

class Files : public testing::Test {
 protected:
  [[nodiscard]] std::string path(const char* name) const { return directory_.path() / name; }

  test::PrivateDirectory directory_;
};

TEST_F(Files, PublishedFileHasOneNameAndIsFoundUnderIt) {
  const Result<UnnamedFile> file = create_unnamed(directory_.path(), 0640);
  ASSERT_TRUE(file);
  ASSERT_TRUE(publish(*file, path("q")));
  EXPECT_TRUE(open_file(path("q")));
  EXPECT_EQ(facts(file->fd.get())->inode, facts(path("q"))->inode);
  EXPECT_EQ(facts(path("q"))->links, 1U);
  EXPECT_EQ(directory_.file_count(), 1U);
}

TEST_F(Files, UnpublishedFileLeavesNothing) {
  ASSERT_TRUE(create_unnamed(directory_.path(), 0640));
  EXPECT_EQ(directory_.file_count(), 0U);
}

TEST_F(Files, RangeBehindAnEndThatSomebodyHasCutIsLeftAlone) {
  const Result<UnnamedFile> file = create_unnamed(directory_.path(), 0600);
  const int fd = file->fd.get();
  ASSERT_TRUE(resize(fd, 4096));
  ASSERT_TRUE(reserve(fd, 0, 16384));
  EXPECT_EQ(facts(fd)->size, 4096U);
  ASSERT_TRUE(reserve(fd, 8192, 4096));
  EXPECT_EQ(facts(fd)->size, 4096U);
}

TEST_F(Files, PublishingOverAnotherFileFailsAndLeavesIt) {
  const Result<UnnamedFile> first = create_unnamed(directory_.path(), 0600);
  const Result<UnnamedFile> second = create_unnamed(directory_.path(), 0600);
  ASSERT_TRUE(publish(*first, path("q")));
  EXPECT_TRUE(publish(*second, path("q")).is(Errc::already_exists));
  EXPECT_EQ(facts(path("q"))->inode, facts(first->fd.get())->inode);
}

TEST_F(Files, OpeningRefusesLinksAndDoesNotBlockOnAFifo) {
  std::filesystem::create_symlink("/etc/passwd", path("link"));
  EXPECT_FALSE(open_file(path("link")));
  ASSERT_EQ(mkfifo(path("fifo").c_str(), 0600), 0);
  const Result<UniqueFd> fifo = open_file(path("fifo"));
  EXPECT_TRUE(!fifo || !facts(fifo->get())->regular);
  EXPECT_TRUE(open_file(path("none")).is(Errc::not_found));
}

TEST_F(Files, ReserveKeepsContentsAndCountsAsMemory) {
  const Result<UnnamedFile> file = create_unnamed(directory_.path(), 0600);
  const int fd = file->fd.get();
  ASSERT_TRUE(resize(fd, 1 << 20));
  EXPECT_EQ(facts(fd)->memory_bytes, 0U);
  const std::array<std::byte, 3> bytes{std::byte{1}, std::byte{2}, std::byte{3}};
  ASSERT_TRUE(write_at(fd, 100, bytes));
  ASSERT_TRUE(reserve(fd, 0, 8192));
  ASSERT_TRUE(reserve(fd, 0, 8192));
  EXPECT_EQ(facts(fd)->memory_bytes, 8192U);
  std::array<std::byte, 3> back{};
  EXPECT_EQ(*read_at(fd, 100, back), 3U);
  EXPECT_EQ(back, bytes);
}

TEST_F(Files, ReadStopsAtTheEnd) {
  const Result<UnnamedFile> file = create_unnamed(directory_.path(), 0600);
  ASSERT_TRUE(resize(file->fd.get(), 10));
  std::array<std::byte, 64> buffer{};
  EXPECT_EQ(*read_at(file->fd.get(), 4, buffer), 6U);
}

TEST_F(Files, MappingIsShared) {
  const Result<UnnamedFile> file = create_unnamed(directory_.path(), 0600);
  ASSERT_TRUE(resize(file->fd.get(), 4096));
  const Result<std::byte*> one = map_shared(file->fd.get(), 4096);
  const Result<std::byte*> two = map_shared(file->fd.get(), 4096);
  ASSERT_TRUE(one && two);
  (*one)[5] = std::byte{42};
  EXPECT_EQ((*two)[5], std::byte{42});
  unmap(*one, 4096);
  unmap(*two, 4096);
}

TEST_F(Files, FileSizeLimitIsAnErrorAndNotASignal) {
  test::Child child([this] {
    const rlimit limit{4096, 4096};
    setrlimit(RLIMIT_FSIZE, &limit);
    const Result<UnnamedFile> file = create_unnamed(directory_.path(), 0600);
    EXPECT_EQ(resize(file->fd.get(), 1 << 20).failure().detail, EFBIG);
  });
  expect_well(child);
}

TEST_F(Files, DirectoryIsListed) {
  ASSERT_TRUE(publish(*create_unnamed(directory_.path(), 0600), path("one")));
  const Result<std::vector<std::string>> names = list_directory(directory_.path());
  ASSERT_TRUE(names);
  EXPECT_NE(std::find(names->begin(), names->end(), "one"), names->end());
  EXPECT_TRUE(list_directory(path("none")).is(Errc::not_found));
  EXPECT_TRUE(directory_exists(directory_.path()));
  EXPECT_FALSE(directory_exists(path("one")));
  EXPECT_TRUE(remove_file(path("one")));
  EXPECT_TRUE(remove_file(path("one")).is(Errc::not_found));
}

}  // namespace
}  // namespace mqxx::os
