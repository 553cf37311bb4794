#include <pipeline/stage.hpp>

namespace ashlar::pipeline {

namespace fs = std::filesystem;

namespace {

// From the store, else from the shared one, else made, and then offered to the others.
StageResult find_or_make(Workshop& workshop, const Stage& stage, const std::function<void(const fs::path&)>& make) {
    bool made = false;
    const auto fill = [&](const fs::path& output) {
        if (auto* shared = workshop.shared(); shared != nullptr && shared->fetch_result(stage.name, stage.key, output)) return;
        make(output);
        made = true;
    };
    StageResult result{stage.key, workshop.store().stage(stage.name, stage.key, fill)};
    if (made && workshop.shared() != nullptr) workshop.shared()->put_result(stage.name, stage.key, result.output);
    workshop.note_result({std::string(stage.name), stage.key});
    return result;
}

} // namespace

StageResult run_stage(Workshop& workshop, const Stage& stage, const std::function<void(const fs::path&, StageTimer&)>& make) {
    StageTimer timer(workshop.profile(), workshop.renderer(), stage.role, stage.title);
    timer.found(Found::cached);
    return find_or_make(workshop, stage, [&](const fs::path& output) {
        timer.found(Found::made);
        make(output, timer);
    });
}

StageResult run_parts(Workshop& workshop, const Stage& stage, const std::function<void(const fs::path& output)>& make) {
    if (workshop.store().has_stage(stage.name, stage.key))
        return run_stage(workshop, stage, [&](const fs::path& output, StageTimer&) { make(output); });
    return find_or_make(workshop, stage, make);
}

} // namespace ashlar::pipeline
