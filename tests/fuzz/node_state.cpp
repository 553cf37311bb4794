// The state partition and the journal in it: a disk may give back anything.

#include <base/error.hpp>
#include <base/file.hpp>
#include <state/state.hpp>
#include <upgrade/journal.hpp>

#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

using namespace ashlar;

void read_partition(std::string_view bytes) {
    static const TemporaryDirectory directory(std::filesystem::temp_directory_path(), "fuzz-");
    const auto file = directory.path() / "state";
    write_file(file, bytes);
    (void)state::read(file);
}

void read_journal(std::string_view text) {
    const Json json = parse_json(text, "input");
    const upgrade::Journal journal = upgrade::journal_from(json);
    if (upgrade::to_json(journal) != json) std::abort();
    // Whatever it says, a start has an answer.
    const upgrade::Facts facts{{"R0.0", sha256("root")}};
    if (!upgrade::next(journal.phase, upgrade::wake(journal, facts))) std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    for (const auto& read : {read_partition, read_journal}) {
        try {
            read(bytes);
        } catch (const Error&) {
        }
    }
    return 0;
}
