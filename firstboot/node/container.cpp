#include <node/container.hpp>

#include "first_state.hpp"
#include "layers.hpp"

#include <base/error.hpp>
#include <firstboot/identity.hpp>
#include <node/early.hpp>
#include <node/mounts.hpp>
#include <state/state.hpp>

#include <sys/mount.h>

namespace ashlar::node {

namespace fs = std::filesystem;

namespace {

Json install_state() {
    const fs::path medium = fs::path(container_directory) / "medium";
    if (!fs::exists(medium / "site.toml")) throw Error("cannot make a node of this container: its medium has no site.toml", "docs/formats/node-container.md says what it is given");
    const Json content = first_state(read_site_files(medium), firstboot::read_identity("/").release);
    state::write(container_state(), content);
    return content;
}

Json state_content() {
    auto record = state::read(container_state());
    return record ? std::move(record->content) : install_state();
}

} // namespace

bool is_in_container() { return fs::exists(container_state()); }

void start_in_container() {
    const Json content = state_content();
    mount_etc("/");
    render("/", content);
    mount((fs::path(container_directory) / "var").native(), "/var", "", MS_BIND);
    redirect_state("/");
    record_etc();
}

} // namespace ashlar::node
