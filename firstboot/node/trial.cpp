#include <node/trial.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <state/state.hpp>

#include <fcntl.h>

namespace ashlar::node {

upgrade::Start count_start(const std::filesystem::path& state, const Json& content, const Digest& running) {
    if (!content.contains("upgrade")) return upgrade::Start::usual;
    upgrade::Journal journal;
    try {
        journal = upgrade::journal_from(content.at("upgrade"));
    } catch (const Error&) {
        return upgrade::Start::usual;
    }
    const auto start = upgrade::count(journal, running);
    if (start == upgrade::Start::usual) return start;
    Json counted = content;
    counted["upgrade"] = upgrade::to_json(journal);
    state::write(state, counted);
    return start;
}

void start_once(const std::string& entry, const std::filesystem::path& root) {
    // Non-volatile, for boot services and at run time; then UTF-16 with a zero at its end.
    std::string value{7, 0, 0, 0};
    for (const char c : entry) value += {c, '\0'};
    value += {'\0', '\0'};
    const auto path = root / "sys/firmware/efi/efivars/LoaderEntryOneShot-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f";
    // The kernel takes a variable in one write only.
    const Fd file = open_file(path, O_WRONLY | O_CREAT, 0644);
    write_all(file.get(), value, path.native());
}

} // namespace ashlar::node
