#include <pipeline/output_draft.hpp>

#include <string_view>

namespace ashlar::pipeline {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view prefix = ".ashlar-";

const fs::path& swept(const fs::path& directory) {
    for (const auto& entry : fs::directory_iterator(directory)) {
        if (!entry.path().filename().native().starts_with(prefix)) continue;
        if (const auto claim = store::Claim::try_take(entry.path() / "claim")) remove_tree(entry.path());
    }
    return directory;
}

} // namespace

OutputDraft::OutputDraft(const fs::path& directory)
    : directory_(swept(directory), prefix), claim_(store::Claim::wait(directory_.path() / "claim")) {}

} // namespace ashlar::pipeline
