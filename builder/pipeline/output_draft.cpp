#include <pipeline/output_draft.hpp>

#include <string_view>

namespace ashlar::pipeline {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view prefix = ".ashlar-";

// Between making a directory and claiming it nobody may sweep: both happen under one lock.
const fs::path& swept(const fs::path& directory) {
    for (const auto& entry : fs::directory_iterator(directory)) {
        if (!entry.path().filename().native().starts_with(prefix)) continue;
        if (const auto claim = store::Claim::try_take(entry.path() / "claim")) remove_tree(entry.path());
    }
    return directory;
}

} // namespace

OutputDraft::OutputDraft(const fs::path& directory)
    : door_(store::Claim::wait(directory / ".ashlar.lock")), directory_(swept(directory), prefix),
      claim_(store::Claim::wait(directory_.path() / "claim")) {
    door_->remove_file();
    door_.reset();
}

} // namespace ashlar::pipeline
