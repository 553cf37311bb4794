#include "repository_medium.hpp"

#include <base/error.hpp>

#include <cstdlib>

#include <fmt/format.h>

namespace lab {

RepositoryMedium::RepositoryMedium(std::string name) : name_(std::move(name)) {
    const char* media = std::getenv("ASHLAR_BOOT_MEDIA");
    if (media == nullptr) throw ashlar::Error("cannot find the repositories: ASHLAR_BOOT_MEDIA is not set", "run these tests by their ring's run");
    path_ = std::filesystem::path(media) / (name_ + ".raw");
    if (!std::filesystem::exists(path_)) throw ashlar::Error(fmt::format("cannot find the repository '{}'", path_.native()));
}

std::vector<std::string> RepositoryMedium::arguments() const {
    return {"-drive", fmt::format("if=none,id={},format=raw,readonly=on,file={}", name_, path_.native()), "-device", fmt::format("virtio-blk-pci,drive={0},serial={0}", name_)};
}

} // namespace lab
