// Whoever may write to a sticky directory plants files under the names of a queue: its own, that of its second link,
// that of its doorbell. They are refused, not followed, not waited for, and what they lead to is left alone.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "faces.hpp"
#include "support/child.hpp"
#include "support/queue_test.hpp"

namespace mqxx::test {
namespace {

namespace fs = std::filesystem;

enum class Plant { regular, link_to_file, dangling_link, second_name, fifo, directory, socket };
constexpr Plant kPlants[] = {Plant::regular, Plant::link_to_file, Plant::dangling_link, Plant::second_name,
                             Plant::fifo,    Plant::directory,    Plant::socket};

/// What a file is, as far as an attack might change it.
struct Identity {
  ino_t inode = 0;
  mode_t mode = 0;
  uid_t uid = 0;
  off_t size = 0;
  bool operator==(const Identity&) const = default;
};

Identity identity_of(const fs::path& path) {
  struct stat status {};
  EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path << " is gone";
  return {status.st_ino, status.st_mode, status.st_uid, status.st_size};
}

class Plants : public QueueTest, public testing::WithParamInterface<const Face*> {
 protected:
  Plants() {
    directory_.share_with_everybody();
    ::umask(0);
    // The owner's, and nobody's business: what links lead to.
    const int fd = ::open(precious().c_str(), O_WRONLY | O_CREAT | O_EXCL, 0640);
    EXPECT_EQ(::write(fd, "precious", 8), 8);
    ::close(fd);
  }

  [[nodiscard]] static const Face& face() { return *GetParam(); }
  [[nodiscard]] fs::path precious() const { return directory_.path() / "precious"; }
  [[nodiscard]] fs::path file_of(const std::string& queue) const { return directory_.path() / ("mqxx." + queue); }
  [[nodiscard]] fs::path second_link(ino_t inode) const {
    return directory_.path() / ("mqxx-" + std::to_string(inode) + ".queue");
  }
  [[nodiscard]] fs::path doorbell(ino_t inode) const {
    return directory_.path() / ("mqxx-" + std::to_string(inode) + ".bell");
  }

  /// Belongs to another user where there can be one.
  void plant(Plant what, const fs::path& path) const {
    switch (what) {
      case Plant::regular: ::close(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0666)); break;
      case Plant::link_to_file: fs::create_symlink(precious(), path); break;
      case Plant::dangling_link: fs::create_symlink(directory_.path() / "elsewhere", path); break;
      case Plant::second_name: fs::create_hard_link(precious(), path); return;  // its owner stays
      case Plant::fifo: ASSERT_EQ(::mkfifo(path.c_str(), 0666), 0); break;
      case Plant::directory: fs::create_directory(path); break;
      case Plant::socket: bind_socket(path); break;
    }
    if (is_root()) {
      ASSERT_EQ(::lchown(path.c_str(), kAttacker, kAttacker), 0);
    }
  }

  /// The number that the next file of this directory will get, or a little less.
  [[nodiscard]] ino_t next_inode() const {
    const fs::path probe = directory_.path() / "probe";
    ::close(::creat(probe.c_str(), 0600));
    const ino_t inode = identity_of(probe).inode;
    ::unlink(probe.c_str());
    return inode + 1;
  }

  /// The queue's own number, by its file.
  [[nodiscard]] ino_t inode_of(const std::string& queue) const { return identity_of(file_of(queue)).inode; }

  /// As a user who is neither root nor the attacker, where there can be one.
  template <class Body>
  static void as_victim(Body body) {
    Child child([&] {
      constexpr uid_t kVictim = 65532;
      if (is_root()) {
        ASSERT_EQ(::setresuid(kVictim, kVictim, kVictim), 0);
      }
      body();
    });
    expect_well(child);
  }

  /// Plants something under `name(inode)` for each of the next inodes; a queue is made all the same, further on.
  template <class Name>
  void create_among_plants(Name name) {
    constexpr ino_t kCount = 140;
    const ino_t first = next_inode() + kCount - kCount / std::size(kPlants);  // a second name takes no inode
    std::vector<Identity> before;
    for (ino_t i = 0; i < kCount; ++i) {
      plant(kPlants[i % std::size(kPlants)], name(first + i));
      before.push_back(identity_of(name(first + i)));
    }
    as_victim([] {
      ASSERT_EQ(face().create("/q", 0600), 0);
      EXPECT_EQ(face().pass_message("/q"), 0);
    });
    EXPECT_GE(inode_of("q"), first + kCount);
    as_victim([] { EXPECT_EQ(face().unlink("/q"), 0); });
    if (!is_root()) return;  // to whom the plants belong, and who may clean them away
    for (ino_t i = 0; i < kCount; ++i) EXPECT_EQ(identity_of(name(first + i)), before[i]) << name(first + i);
  }

  static constexpr uid_t kAttacker = 65534;

 private:
  static void bind_socket(const fs::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    ASSERT_LT(path.string().size(), sizeof address.sun_path);
    path.string().copy(address.sun_path, sizeof address.sun_path - 1);
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ::close(fd);
  }
};

TEST_P(Plants, NothingUnderAQueuesNameIsOpenedReplacedOrFollowed) {
  const Identity precious_before = identity_of(precious());
  for (const Plant what : kPlants) {
    const std::string queue = "/n" + std::to_string(static_cast<int>(what));
    const fs::path path = file_of(queue.substr(1));
    plant(what, path);
    const Identity before = identity_of(path);
    EXPECT_NE(face().open(queue), 0) << path;
    EXPECT_NE(face().create(queue, 0600), 0) << path;
    EXPECT_NE(face().open_or_create(queue), 0) << path;
    EXPECT_EQ(identity_of(path), before);
    if (what == Plant::second_name) ::unlink(path.c_str());
  }
  EXPECT_EQ(identity_of(precious()), precious_before);
  EXPECT_FALSE(fs::exists(directory_.path() / "elsewhere"));
}

TEST_P(Plants, PlantsAtTheDoorbellsOfInodesToComeDelayACreatorAndNoMore) {
  create_among_plants([this](ino_t inode) { return doorbell(inode); });
}

TEST_P(Plants, PlantsAtTheSecondLinksOfInodesToComeDelayACreatorAndNoMore) {
  create_among_plants([this](ino_t inode) { return second_link(inode); });
}

TEST_P(Plants, WhoeverPlantsTooManyIsToldToTheCreatorAndNothingIsLeft) {
  constexpr ino_t kCount = 1000;
  const ino_t first = next_inode() + kCount;
  for (ino_t i = 0; i < kCount; ++i) fs::create_directory(doorbell(first + i));
  const std::size_t files = directory_.file_count();
  EXPECT_EQ(face().create("/q", 0600), EACCES);
  EXPECT_EQ(directory_.file_count(), files);
}

TEST_P(Plants, QueueLinkedToASecondNameIsNotFoundThereAndGoesOnUnderItsOwn) {
  ASSERT_EQ(face().create("/a", 0666), 0);
  fs::create_hard_link(file_of("a"), file_of("b"));
  EXPECT_NE(face().open("/b"), 0);
  EXPECT_NE(face().open_or_create("/b"), 0);
  EXPECT_NE(face().create("/b", 0600), 0);
  EXPECT_EQ(face().unlink("/b"), 0);
  EXPECT_EQ(face().pass_message("/a"), 0) << "removing the other name left it alone";
  EXPECT_EQ(face().unlink("/a"), 0);
}

/// The queue belongs to the attacker, who puts something else in the place of its doorbell. Only calls that need it
/// look at it: those of libmqxx-posix.so.
class SwappedBell : public Plants {
 protected:
  void SetUp() override {
    if (!is_root()) GTEST_SKIP() << "only root can act as two users";
    make();
    ASSERT_EQ(::unlink(bell_.c_str()), 0);
  }

  void make() {
    Child attacker([] {
      become_ordinary_user();
      EXPECT_EQ(face().create("/q", 0666), 0);
    });
    expect_well(attacker);
    bell_ = doorbell(inode_of("q"));
    ASSERT_EQ(identity_of(bell_).uid, kAttacker);
  }

  fs::path bell_;
};

TEST_P(SwappedBell, IsRefusedWhateverItIs) {
  for (const Plant what : kPlants) {
    if (what == Plant::fifo) continue;  // of the queue's owner: that is a doorbell
    plant(what, bell_);
    EXPECT_NE(face().open("/q"), 0) << static_cast<int>(what);
    fs::remove(bell_);
  }
  ASSERT_EQ(::mkfifo(bell_.c_str(), 0666), 0);
  EXPECT_NE(face().open("/q"), 0) << "a FIFO, and not of the queue's owner";
  ASSERT_EQ(::chown(bell_.c_str(), kAttacker, kAttacker), 0);
  EXPECT_EQ(face().pass_message("/q"), 0) << "as it was before";
}

TEST_P(SwappedBell, FileWithALeaseHoldsNobodyUp) {
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  Child attacker([&] {
    become_ordinary_user();
    const int fd = ::open(bell_.c_str(), O_RDWR | O_CREAT | O_EXCL, 0666);
    ASSERT_EQ(::fcntl(fd, F_SETSIG, SIGWINCH), 0);
    ASSERT_EQ(::fcntl(fd, F_SETLEASE, F_WRLCK), 0) << std::strerror(errno);
    ASSERT_EQ(::write(ready[1], "x", 1), 1);
    for (;;) ::pause();
  });
  ::close(ready[1]);
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  ::close(ready[0]);
  Child victim([&] { EXPECT_NE(face().open("/q"), 0); });
  expect_well(victim, 20s);  // the lease alone would hold it up for /proc/sys/fs/lease-break-time, 45 seconds
}

TEST_P(SwappedBell, ModeOwnerAndMarkOfNoOtherFileAreChanged) {
  // As where links to other people's files may be made (fs.protected_hardlinks = 0).
  const fs::path fifo = directory_.path() / "fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  for (const fs::path& target : {precious(), fifo}) {
    (void)face().unlink("/q");
    make();
    const Identity before = identity_of(target);
    const auto swap = [&] {
      ASSERT_EQ(::unlink(bell_.c_str()), 0);
      fs::create_hard_link(target, bell_);
    };
    const auto swap_back = [&] {
      ASSERT_EQ(::unlink(bell_.c_str()), 0);
      ASSERT_EQ(::mkfifo(bell_.c_str(), 0666), 0);
      ASSERT_EQ(::chown(bell_.c_str(), kAttacker, kAttacker), 0);
    };
    EXPECT_EQ(change_mode("/q", 0606, swap), EBADMSG);
    swap_back();
    EXPECT_EQ(change_owner("/q", kAttacker, 1, swap), EBADMSG);
    EXPECT_EQ(face().unlink("/q"), 0);
    EXPECT_EQ(identity_of(target), before) << "mode, owner, and no mark of removal";
    fs::remove(bell_);
  }
}

std::string face_name(const testing::TestParamInfo<const Face*>& info) { return info.param->name(); }
INSTANTIATE_TEST_SUITE_P(Of, Plants, testing::ValuesIn(faces()), face_name);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(SwappedBell);
INSTANTIATE_TEST_SUITE_P(Of, SwappedBell, testing::ValuesIn(faces().begin() + 1, faces().end()), face_name);

}  // namespace
}  // namespace mqxx::test
