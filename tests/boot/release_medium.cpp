#include "release_medium.hpp"

#include "disk.hpp"

#include <base/process.hpp>
#include <base/progress.hpp>
#include <deltas/image.hpp>
#include <publish/publish.hpp>

namespace lab {

namespace fs = std::filesystem;

namespace {

deltas::Image image(const fs::path& base) { return deltas::Image(base.filename().native(), base.parent_path()); }

} // namespace

ReleaseMedium::ReleaseMedium(const fs::path& now_base, const fs::path& old_base) {
    const deltas::Image now = image(now_base), old = image(old_base);
    const auto renderer = make_renderer(ProgressStyle::quiet, 2);
    publish::publish({.to = directory_.path() / "files/ashlar", .now = now, .olds = {&old}}, *renderer);
    run_checked({.argv = {program("mke2fs"), "-q", "-t", "ext4", "-d", (directory_.path() / "files").native(), path().native(), "768M"}});
}

std::vector<std::string> ReleaseMedium::arguments() const {
    return {"-drive", "if=none,id=release,format=raw,readonly=on,file=" + path().native(), "-device", "virtio-blk-pci,drive=release,serial=release"};
}

} // namespace lab
