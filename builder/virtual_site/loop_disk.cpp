#include <virtual_site/loop_disk.hpp>

#include <base/error.hpp>

#include <cerrno>
#include <fcntl.h>
#include <linux/loop.h>
#include <linux/major.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <fmt/format.h>

namespace ashlar::virtual_site {

namespace fs = std::filesystem;

namespace {

constexpr const char* control_file = "/dev/loop-control";
constexpr unsigned most_tries = 50; // others take free ones as well

Error refusal(const fs::path& file, std::string_view cause) { return Error(fmt::format("cannot put a disk behind '{}': {}", file.native(), cause), "it takes root, and a kernel with loop devices (`modprobe loop`)"); }

// Where nobody makes device nodes by himself.
void make_node(const fs::path& device, unsigned number) {
    if (::mknod(device.c_str(), S_IFBLK | 0600, ::makedev(LOOP_MAJOR, number)) != 0 && errno != EEXIST) throw system_error("make", device.native());
}

} // namespace

LoopDisk::LoopDisk(const fs::path& file) {
    const Fd control(::open(control_file, O_RDWR | O_CLOEXEC));
    if (!control) throw refusal(file, "there are no loop devices");
    const Fd behind = open_file(file, O_RDWR);
    for (unsigned tries = 0; tries < most_tries; ++tries) {
        const int number = ::ioctl(control.get(), LOOP_CTL_GET_FREE);
        if (number < 0) throw refusal(file, "no loop device is free");
        path_ = fmt::format("/dev/loop{}", number);
        make_node(path_, static_cast<unsigned>(number));
        device_ = open_file(path_, O_RDWR);
        loop_config config{};
        config.fd = static_cast<unsigned>(behind.get());
        config.info.lo_flags = LO_FLAGS_AUTOCLEAR; // by whoever closes it last
        if (::ioctl(device_.get(), LOOP_CONFIGURE, &config) == 0) return;
        if (errno != EBUSY) throw system_error("put a file behind", path_.native());
    }
    throw refusal(file, "others take each loop device that is free");
}

void make_disk_file(const fs::path& file, std::uint64_t size) {
    if (fs::exists(file)) return;
    fs::path part = file;
    part += ".part";
    write_file(part, "", 0600);
    fs::resize_file(part, size);
    fs::rename(part, file);
}

} // namespace ashlar::virtual_site
