// A FAT volume from a disk that somebody else may have written: an Error or a reading, nothing else.

#include <image/fat.hpp>

#include <base/error.hpp>
#include <base/file.hpp>

#include <cstddef>
#include <cstdint>
#include <sys/mman.h>
#include <unistd.h>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ashlar::Fd file(::memfd_create("fat", MFD_CLOEXEC));
    if (::write(file.get(), data, size) != static_cast<ssize_t>(size)) return 0;
    try {
        const ashlar::image::FatVolume volume(file.get(), 0, size, "input");
        for (const auto& entry : volume.files()) static_cast<void>(volume.read(entry));
    } catch (const ashlar::Error&) { // the expected answer to nonsense
    }
    return 0;
}
