#include "first_state.hpp"

#include "name.hpp"

namespace ashlar::node {

Json first_state(const site::Site& site, const std::string& release) {
    const reset::Name name = random_name();
    return {{"format", 1},
            {"machine_id", name.machine_id},
            {"hostname", name.hostname},
            {"installed", {{"release", release}, {"site", site.name}}},
            {"access", {{"ssh_keys", site.access.ssh_keys}, {"ssh_ca", site.access.ssh_ca}, {"break_glass", site.access.break_glass}}}};
}

} // namespace ashlar::node
