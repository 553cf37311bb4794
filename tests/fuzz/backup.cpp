// A restore file, as a medium may bring it, and the header of a backup: read, or refused by an Error.

#include <base/error.hpp>
#include <backup/backup.hpp>

#include <cstdint>
#include <cstdlib>
#include <string_view>

using namespace ashlar;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const auto key = site::SiteKey::generate({});
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    try {
        (void)backup::read_backup_header(text, "fuzz");
    } catch (const Error&) {
    }
    try {
        // Nobody who does not have this process's key can have encrypted it.
        (void)backup::open_restore(text, "fuzz", key);
        std::abort();
    } catch (const Error&) {
    }
    return 0;
}
