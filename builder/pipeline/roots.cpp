#include <pipeline/roots.hpp>

#include <pipeline/daemon_stage.hpp>
#include <pipeline/inputs.hpp>
#include <pipeline/stage_key.hpp>

#include <base/error.hpp>

#include <fmt/format.h>

namespace ashlar::pipeline {

namespace fs = std::filesystem;

void fetch_packages(Workshop& workshop, const lock::Lock& lock, const std::vector<std::string>& roles) {
    StageTimer timer(workshop.profile(), workshop.renderer(), "", "fetch");
    require_daemon(workshop, lock);
    make_fetcher(workshop).packages(workshop.train(), lock, roles);
}

} // namespace ashlar::pipeline
