#include "first_state.hpp"

#include "name.hpp"

namespace ashlar::node {

Json first_state(const SiteFiles& files, const std::string& release) {
    const site::Site& site = files.site;
    const reset::Name name = random_name();
    return {{"format", 1},
            {"machine_id", name.machine_id},
            {"hostname", name.hostname},
            {"installed", {{"release", release}, {"site", site.name}}},
            {"access", {{"ssh_keys", site.access.ssh_keys}, {"ssh_ca", site.access.ssh_ca}, {"break_glass", site.access.break_glass}}},
            {"site_files", to_json(files)}};
}

} // namespace ashlar::node
