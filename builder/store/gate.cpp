#include <store/gate.hpp>

#include <base/error.hpp>

#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>

namespace ashlar::store {

// A descriptor of its own each time: threads that shared one would share its lock.
Gate::Gate(const std::filesystem::path& path, Passage passage) : fd_(open_file(path, O_RDONLY | O_DIRECTORY)) {
    while (::flock(fd_.get(), passage == Passage::alone ? LOCK_EX : LOCK_SH) != 0)
        if (errno != EINTR) throw system_error("lock", path.native());
}

} // namespace ashlar::store
