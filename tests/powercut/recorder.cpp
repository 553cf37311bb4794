#include "recorder.hpp"

#include <base/error.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

namespace powercut {

namespace fs = std::filesystem;

RecordedDisk::RecordedDisk(fs::path directory, std::uint64_t size) : directory_(std::move(directory)) {
    const Fd file = open_file(path(), O_RDWR | O_CREAT);
    if (::ftruncate(file.get(), static_cast<off_t>(size)) != 0) throw system_error("make", path().native());
}

std::vector<std::string> RecordedDisk::arguments(const std::string& serial) const {
    write_file(log_path(), "");
    const auto add = [](std::vector<std::string>& to, const std::string& node) { to.insert(to.end(), {"-blockdev", node}); };
    std::vector<std::string> words;
    add(words, "driver=file,node-name=recorded-file,filename=" + path().native());
    add(words, "driver=raw,node-name=recorded-disk,file=recorded-file");
    add(words, "driver=file,node-name=recorded-log-file,filename=" + log_path().native());
    add(words, "driver=raw,node-name=recorded-log,file=recorded-log-file");
    add(words, fmt::format("driver=blklogwrites,node-name=recorded,file=recorded-disk,log=recorded-log,log-sector-size={}", sector_size));
    words.insert(words.end(), {"-device", fmt::format("virtio-blk-pci,drive=recorded,serial={}", serial)});
    return words;
}

} // namespace powercut
