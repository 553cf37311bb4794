#include <node/mounts.hpp>

#include <base/error.hpp>

#include <sys/mount.h>
#include <utility>

#include <fmt/format.h>

namespace ashlar::node {

namespace fs = std::filesystem;

void mount(const std::string& what, const fs::path& where, const std::string& type, unsigned long flags, const std::string& options) {
    if (::mount(what.c_str(), where.c_str(), type.empty() ? nullptr : type.c_str(), flags, options.empty() ? nullptr : options.c_str()) != 0)
        throw system_error(fmt::format("mount '{}' on", what), where.native());
}

Mount::Mount(const std::string& what, fs::path where, const std::string& type, unsigned long flags, const std::string& options) {
    fs::create_directories(where);
    mount(what, where, type, flags, options);
    where_ = std::move(where);
}

Mount::~Mount() {
    if (!where_.empty()) ::umount2(where_.c_str(), MNT_DETACH);
}

void Mount::close() {
    if (::umount2(where_.c_str(), 0) != 0) throw system_error("unmount", where_.native());
    where_.clear();
}

} // namespace ashlar::node
