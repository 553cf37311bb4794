// Disks with other people's data.

#include "site_test.hpp"

#include <base/error.hpp>
#include <base/random.hpp>
#include <error_of.hpp>

#include <gmock/gmock.h>

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>

#include <fmt/format.h>

namespace ashlar::virtual_site {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// A file as a disk, for as long as this lives.
class LoopDisk {
public:
    explicit LoopDisk(const fs::path& file) {
        const Fd control(::open("/dev/loop-control", O_RDWR | O_CLOEXEC));
        const int number = control ? ::ioctl(control.get(), LOOP_CTL_GET_FREE) : -1;
        if (number < 0) throw system_error("find", "a loop device");
        path_ = fmt::format("/dev/loop{}", number);
        device_ = Fd(::open(path_.c_str(), O_RDWR | O_CLOEXEC));
        const Fd behind(::open(file.c_str(), O_RDWR | O_CLOEXEC));
        loop_config config{};
        config.fd = static_cast<unsigned>(behind.get());
        config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
        if (!device_ || ::ioctl(device_.get(), LOOP_CONFIGURE, &config) != 0) throw system_error("put a file behind", path_.native());
    }
    [[nodiscard]] const fs::path& path() const { return path_; }

private:
    fs::path path_;
    Fd device_; // the last who closes it sets it free
};

// Of another machine: an MBR's signature, a volume of LVM, and noise.
std::string foreign_data() {
    std::string data(std::size_t{16} << 20U, '\0');
    fill_with_random(std::as_writable_bytes(std::span(data)));
    data.replace(510, 2, "\x55\xaa");
    data.replace(512, 8, "LABELONE");
    data.replace(536, 8, "LVM2 001");
    return data;
}

class Disks : public SiteTest {
protected:
    const Nodes nodes_ = voters_of({.name = "berlin", .voters = 1});
    Node& node_ = *nodes_[0];
    const TemporaryDirectory work_{fs::temp_directory_path(), "ashlar-disk-"};
};

TEST_F(Disks, OfOthersAreNotTouched) {
    const std::string before = foreign_data();
    const fs::path file = work_.path() / "disk";
    write_file(file, before);
    {
        const LoopDisk disk(file);
        node_.give_disk(disk.path());
        node_.power_on();
        ASSERT_TRUE(are_members(nodes_)) << what_they_say(nodes_);
        EXPECT_EQ(said(node_, {"find", "/dev", "-exec", "test", "-b", "{}", ";", "-print"}), disk.path().native());
        // It could: what keeps the disk whole is the node.
        EXPECT_EQ(said(node_, {"sh", "-c", "exec 3<>" + disk.path().native() + " && head -c 8 /dev/fd/3 | od -An -tx1 | wc -w"}), "8");
        node_.cut_power();
        node_.power_on();
        ASSERT_TRUE(are_members(nodes_)) << what_they_say(nodes_);
        node_.shut_down();
    }
    EXPECT_TRUE(read_file(file) == before);
}

TEST_F(Disks, OfThisMachineAreNotGivenAway) {
    const fs::path file = work_.path() / "disk";
    write_file(file, "not a device");
    EXPECT_THAT(error_of([&] { node_.give_disk("/dev/null"); }), HasSubstr("cannot give '/dev/null' to node 'n1': it is no loop device"));
    EXPECT_THAT(error_of([&] { node_.give_disk(file); }), HasSubstr("it is no loop device"));
    EXPECT_THAT(error_of([&] { node_.give_disk("/dev/no-such-disk"); }), HasSubstr("/dev/no-such-disk"));
}

} // namespace
} // namespace ashlar::virtual_site
