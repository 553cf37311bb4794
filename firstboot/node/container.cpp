#include <node/container.hpp>

#include "first_state.hpp"
#include "layers.hpp"
#include "name.hpp"

#include <base/error.hpp>
#include <firstboot/identity.hpp>
#include <node/early.hpp>
#include <node/mounts.hpp>
#include <reset/note.hpp>
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

fs::path var_of_container() { return fs::path(container_directory) / "var"; }

// The order stays until the last write; once for each of the two copies, so that none has what was before.
Json reset_state(const Json& content) {
    for (const auto& entry : fs::directory_iterator(var_of_container())) fs::remove_all(entry.path());
    Json after = reset::after_reset(content, {}, reset::time_now());
    for (int copy = 0; copy < 2; ++copy) state::write(container_state(), after);
    return after;
}

} // namespace

bool is_in_container() { return fs::exists(container_state()); }

void start_in_container() {
    Json content = state_content();
    if (reset::is_ordered(content)) content = reset_state(content);
    mount_etc("/");
    render("/", content);
    mount(var_of_container().native(), "/var", "", MS_BIND);
    redirect_state("/");
    record_etc();
}

// Without a signature: nothing of the machine is erased that somebody would have to prove.
void order_reset_in_container(const std::string& release, unsigned by) {
    state::change(container_state(), [&](Json& content) {
        const reset::Order order{.node = {content.at("hostname").get<std::string>(), content.at("machine_id").get<std::string>()},
                                 .next = random_name(),
                                 .site = content.at("installed").at("site").get<std::string>(),
                                 .release = release,
                                 .time = reset::time_now(),
                                 .by = by,
                                 .partition = {},
                                 .bytes = 0,
                                 .content = reset::Content::plain};
        content = reset::with_order(content, {{"order", text_of(order)}});
    });
}

} // namespace ashlar::node
