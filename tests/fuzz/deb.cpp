// Any bytes are a package or an Error; every entry that comes out stays below the root.

#include <archive/deb.hpp>

#include <base/error.hpp>

#include <cstdint>
#include <cstdlib>
#include <sys/mman.h>

namespace {

struct Judge : ashlar::archive::DataVisitor {
    void entry(const ashlar::archive::DebEntry& entry) override {
        require(left == 0);
        left = entry.size;
        const std::string path = "/" + entry.path + "/";
        require(path.find("/../") == std::string::npos && path.find("/./") == std::string::npos);
        require(entry.path.empty() || path.find("//") == std::string::npos);
    }
    void contents(std::span<const std::byte> bytes) override {
        require(bytes.size() <= left);
        left -= bytes.size();
    }
    static void require(bool holds) {
        if (!holds) std::abort();
    }
    std::uint64_t left = 0;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    ashlar::Fd fd(::memfd_create("deb", MFD_CLOEXEC));
    ashlar::write_all(fd.get(), std::as_bytes(std::span(data, size)), "memory file");
    try {
        Judge judge;
        ashlar::archive::Deb(std::move(fd), "fuzz.deb").read_data(judge, 1 << 24);
        Judge::require(judge.left == 0);
    } catch (const ashlar::Error&) {
        // Refused, as most inputs should be.
    }
    return 0;
}
