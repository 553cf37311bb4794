#include <pipeline/stage.hpp>

namespace ashlar::pipeline {

namespace fs = std::filesystem;

StageResult run_stage(Workshop& workshop, const Stage& stage, const std::function<void(const fs::path&, StageTimer&)>& make) {
    StageTimer timer(workshop.profile(), workshop.renderer(), stage.role, stage.title);
    timer.found(Found::cached);
    return {stage.key, workshop.store().stage(stage.name, stage.key, [&](const fs::path& output) {
                timer.found(Found::made);
                make(output, timer);
            })};
}

StageResult run_parts(Workshop& workshop, const Stage& stage, const std::function<void(const fs::path&)>& make) {
    if (workshop.store().has_stage(stage.name, stage.key))
        return run_stage(workshop, stage, [&](const fs::path& output, StageTimer&) { make(output); });
    return {stage.key, workshop.store().stage(stage.name, stage.key, make)};
}

} // namespace ashlar::pipeline
