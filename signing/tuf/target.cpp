#include "path.hpp"

#include <tuf/updater.hpp>

#include <fmt/format.h>

namespace ashlar::tuf {

namespace {

constexpr const char* again = "get it again from where releases come from";

} // namespace

std::string place_of(std::string_view path, const Target& target, Naming naming) {
    if (!is_plain_path(path)) throw Error(fmt::format("cannot place '{}': it is no plain relative path", path), "tell whoever signs the target");
    if (naming == Naming::plain) return std::string(path);
    const std::size_t name = path.rfind('/') + 1; // 0 where there is none
    return fmt::format("{}{}.{}", path.substr(0, name), target.sha256().hex(), path.substr(name));
}

TargetCheck::TargetCheck(std::string_view path, const Target& target) : path_(path), length_(target.length), wanted_(target.sha256()) {}

void TargetCheck::update(ByteView bytes) {
    if (bytes.size() > length_ - seen_) throw MetadataError(Fault::endless, fmt::format("cannot verify '{}': it is longer than {} bytes", path_, length_), again);
    seen_ += bytes.size();
    hasher_.update(bytes);
}

void TargetCheck::finish() {
    if (seen_ != length_) throw MetadataError(Fault::mismatch, fmt::format("cannot verify '{}': it has {} bytes, not {}", path_, seen_, length_), again);
    if (hasher_.finish() != wanted_) throw MetadataError(Fault::mismatch, fmt::format("cannot verify '{}': its SHA-256 is not the one that is signed", path_), again);
}

} // namespace ashlar::tuf
