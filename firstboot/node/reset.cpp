#include <node/reset.hpp>

#include "encryption.hpp"
#include "keeping.hpp"
#include "name.hpp"
#include "own_disk.hpp"

#include <base/error.hpp>
#include <base/file.hpp>
#include <node/mounts.hpp>
#include <node/secrets.hpp>
#include <reset/erasure.hpp>
#include <state/state.hpp>

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <fmt/format.h>

namespace ashlar::node {

namespace fs = std::filesystem;

namespace {

constexpr const char* host_key = "/etc/ssh/ssh_host_ed25519_key";

using Say = std::function<void(std::string_view)>;

constexpr std::string_view doing = "reset this node";

void require_resettable(const Json& state) {
    if (const std::string obstacle = reset_obstacle(state, has_tpm()); !obstacle.empty())
        throw Error("cannot reset this node: " + obstacle, "install it again from a medium: that erases it too");
}

// The table names /var's partition until it is erased, so it is there.
Json erased(const OwnDisk& node, const Say& say) {
    const reset::Order order = reset::order_in(node.content);
    const disks::Partition& var = node.var();
    if (var.id != order.partition)
        throw Error(fmt::format("cannot reset this node: /var is partition {}, and the order is about {}", var.id, order.partition), "install it again");
    say(fmt::format("erasing /var of {}", order.node.hostname));
    Json content = reset::with_erasure(node.content, reset::erase(var.device, order.content, say));
    state::write(node.state, content);
    return content;
}

Json new_encryption(const Json& state, const Keeping& keeping) {
    if (keeping.var() == Var::plain) return {};
    const auto site = PublicKey::from_pem(state.at("encryption").at("site_key").get<std::string>(), "site_key");
    return keeping.sealed_to(site);
}

// Of a node that was installed in place the boot partition is what its medium was.
void forget_medium(const disks::Disk& disk, const Say& say) {
    const disks::Partition* const boot = disk.of_type(disks::boot_partition_type);
    if (boot == nullptr) return;
    Mount esp(boot->device.native(), "/run/ashlar/reset-esp", "vfat", MS_NOSUID | MS_NODEV | MS_NOEXEC);
    if (erase_site_files(esp.path() / "ashlar")) say("erased what the medium had brought of the site");
    esp.close();
}

void make_var(const disks::Disk& disk, const Keeping& keeping) {
    lay_out(disk, Table::kept, definitions_of_var(keeping.var()), keeping);
    keeping.enrol(seen_again(disk));
}

} // namespace

std::string reset_obstacle(const Json& state, bool has_tpm) {
    if (!state.contains("encryption")) return {};
    if (!has_tpm) return "/var is encrypted, and the machine has no TPM that would open a new one";
    if (!state.at("encryption").contains("site_key")) return "its state lacks the site's public key, to which a new recovery key would be sealed";
    return {};
}

reset::Name order_reset(const std::string& release, unsigned by) {
    const OwnDisk node = own_disk(doing);
    require_resettable(node.content);
    const disks::Partition& var = node.var();
    const reset::Order order{.node = {node.content.at("hostname").get<std::string>(), node.content.at("machine_id").get<std::string>()},
                             .next = random_name(),
                             .site = node.content.at("installed").at("site").get<std::string>(),
                             .release = release,
                             .time = reset::time_now(),
                             .by = by,
                             .partition = var.id,
                             .bytes = size_of(var.device),
                             .content = node.content.contains("encryption") ? reset::Content::encrypted : reset::Content::plain};
    state::write(node.state, reset::with_order(node.content, reset::signed_note(order, host_key)));
    return order.next;
}

bool erase_site_files(const fs::path& directory) {
    if (!fs::is_directory(directory)) return false;
    for (const auto& entry : fs::recursive_directory_iterator(directory)) {
        if (!entry.is_regular_file()) continue;
        const std::string zeros(entry.file_size(), '\0');
        const Fd file = open_file(entry.path(), O_WRONLY);
        write_all(file.get(), zeros, entry.path().native());
        if (::fsync(file.get()) != 0) throw system_error("write", entry.path().native());
    }
    fs::remove_all(directory);
    return true;
}

void reset_node(const Say& say) {
    const OwnDisk node = own_disk(doing);
    if (!reset::is_ordered(node.content)) throw Error("cannot reset this node: nobody ordered it", "`ashlarctl factory-reset` does");
    require_resettable(node.content);
    const Json content = reset::is_erased(node.content) ? node.content : erased(node, say);
    forget_medium(node.disk, say);
    say("making /var anew");
    const Keeping keeping(content.contains("encryption") ? Var::encrypted : Var::plain);
    make_var(node.disk, keeping);
    const Json after = reset::after_reset(content, new_encryption(content, keeping), reset::time_now());
    // Once for each of the two copies, so that none has what was before.
    for (int copy = 0; copy < 2; ++copy) state::write(node.state, after);
}

} // namespace ashlar::node
