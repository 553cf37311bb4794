#include <node/install.hpp>

#include "boot_entry.hpp"
#include "boot_files.hpp"
#include "encryption.hpp"
#include "first_state.hpp"
#include "keeping.hpp"
#include <node/mounts.hpp>
#include <node/secrets.hpp>
#include <node/secure_boot.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/json.hpp>
#include <base/text.hpp>
#include <disks/claim.hpp>
#include <disks/inventory.hpp>
#include <disks/rule.hpp>
#include <firstboot/identity.hpp>
#include <node/layout.hpp>
#include <node/running.hpp>
#include <signing/verity.hpp>
#include <state/state.hpp>

#include <algorithm>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

#include <fmt/format.h>

namespace ashlar::node {

namespace fs = std::filesystem;

namespace {

using Say = std::function<void(std::string_view)>;

struct Medium {
    disks::Partition esp;
    Slot slot;
    Digest root_hash;
};

const disks::Partition& required(const disks::Partition* partition, const disks::Disk& disk, std::string_view what) {
    if (partition == nullptr)
        throw Error(fmt::format("cannot install from '{}': it has no {}", disk.device.native(), what), "write the image to the medium again");
    return *partition;
}

const disks::Partition& partition_with(const disks::Disk& disk, const Guid& id, std::string_view what) {
    return required(disk.with_id(id.text()), disk, what);
}

const disks::Partition& boot_partition(const disks::Disk& disk) {
    return required(disk.of_type(disks::boot_partition_type), disk, "boot partition");
}

Medium medium_of(const disks::Disk& disk, const std::string& release) {
    const Digest root_hash = running_root_hash();
    Medium medium{.esp = boot_partition(disk),
                  .slot = {.root = partition_with(disk, data_partition_of(root_hash), "partition with the running root"),
                           .verity = partition_with(disk, hash_partition_of(root_hash), "hash tree of the running root"),
                           .release = release},
                  .root_hash = root_hash};
    medium.slot.root_size = size_of(medium.slot.root.device);
    medium.slot.verity_size = size_of(medium.slot.verity.device);
    return medium;
}

Waiting waiting(const disks::Undecided& undecided) {
    std::string text = fmt::format("not installing: {}", undecided.reason);
    for (const auto& refusal : undecided.refusals) text += fmt::format("\n  {}: {}", refusal.disk, refusal.reason);
    return {std::move(text)};
}

Var var_of(const site::Site& site, const Say& say) {
    if (site.encryption == site::Encryption::off) return Var::plain;
    if (has_tpm()) return Var::encrypted;
    say("the machine has no TPM: /var will not be encrypted");
    return Var::plain;
}

// Each block of the copy against the root hash, read from the disk and not from memory.
void read_back(const Medium& medium, const disks::Disk& disk) {
    const fs::path root = partition_with(disk, data_partition_of(medium.root_hash), "root").device;
    const fs::path tree = partition_with(disk, hash_partition_of(medium.root_hash), "hash tree").device;
    const Fd data = open_file(root, O_RDONLY), hash = open_file(tree, O_RDONLY);
    for (const int fd : {data.get(), hash.get()}) ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    const FileExtent whole_tree{hash.get(), 0, size_of(tree)};
    const VerityHeader header = read_verity_header(whole_tree);
    const std::uint64_t data_size = header.data_blocks * verity_block;
    const FileExtent used_tree{hash.get(), 0, verity_size(data_size)};
    if (const auto fault = verify_verity({data.get(), 0, data_size}, used_tree, medium.root_hash, header.parameters))
        throw Error(fmt::format("cannot trust '{}': what was written there reads back differently ({})", disk.device.native(), fault->text()),
                    "the disk is failing or lies about writes: replace it");
}

const disks::Partition& state_partition(const disks::Disk& disk) {
    return required(disk.of_type(state::partition_type().text()), disk, "state partition");
}

// The site's key as it came, where the TPM does not take it: what is in plain is sealed later, or said.
Json sealed_where_possible(Json content, const Say& say) {
    const auto sealer = own_sealer();
    if (!sealer) return content;
    try {
        Json sealed = content;
        seal_secrets(sealed, *sealer);
        return sealed;
    } catch (const Error& error) {
        say(fmt::format("the site's key lies in plain on the disk: {}", error.message()));
        return content;
    }
}

void write_state(const disks::Disk& disk, const SiteFiles& files, const std::string& release, const Keeping& keeping, const Say& say) {
    Json content = sealed_where_possible(first_state(files, release), say);
    if (keeping.var() == Var::encrypted) content["encryption"] = keeping.sealed_to(*files.site.recovery_key);
    state::write(state_partition(disk).device, content);
}

void make_boot_entry(const disks::Disk& disk, const Say& say) {
    if (const auto fault = put_first(disk.device, boot_partition(disk).number)) say(*fault);
}

void write_on(const disks::Disk& target, const Medium& medium, const Mount& medium_esp, const SiteFiles& files, const Say& say) {
    say(fmt::format("installing on {}: layout and copies", target.device.native()));
    const Keeping keeping(var_of(files.site, say));
    // From here to release() the disk counts as blank: a cut of the power anywhere between begins anew.
    disks::claim(target.device, disks::Claim::whole_disk);
    // What was there must not start while it is written over: systemd-repart writes its table last.
    disks::erase_table(target.device);
    lay_out(target, Table::anew, definitions(medium.slot, keeping.var()), keeping);
    const disks::Disk disk = seen_again(target);
    keeping.enrol(disk);
    state::erase(state_partition(disk).device); // whatever lay there
    say("reading back what was written");
    read_back(medium, disk);
    write_state(disk, files, medium.slot.release, keeping, say);
    say("writing the boot files");
    copy_boot_files(medium_esp.path(), boot_partition(disk).device, run_directory / "esp");
    disks::release(target.device);
    make_boot_entry(disk, say);
}

// What the node has in its state need not lie beside it. A start without them begins no installation: the claim is released.
void wipe_medium(const Mount& esp, const Say& say) {
    constexpr unsigned long flags = MS_REMOUNT | MS_NOSUID | MS_NODEV | MS_NOEXEC;
    try {
        mount("none", esp.path(), "", flags);
        wipe_secrets_in(esp.path() / "ashlar");
        mount("none", esp.path(), "", flags | MS_RDONLY);
    } catch (const std::exception& failure) {
        say(fmt::format("the site's key stays in ashlar/ of the medium, which is this node's disk: {}", failure.what()));
    }
}

void grow(const disks::Disk& target, const Medium& medium, const Mount& esp, const SiteFiles& files, const Say& say) {
    say(fmt::format("making a node of {}, which it was started from", target.device.native()));
    const Keeping keeping(var_of(files.site, say));
    // From here to release() the disk stays a medium.
    disks::claim(target.device, disks::Claim::in_place);
    lay_out(target, Table::kept, definitions_in_place(medium.slot, keeping.var()), keeping);
    const disks::Disk disk = seen_again(target);
    keeping.enrol(disk);
    state::erase(state_partition(disk).device);
    say("state, slots and /var are there");
    write_state(disk, files, medium.slot.release, keeping, say);
    disks::release(target.device); // the commit point
    wipe_medium(esp, say);
    make_boot_entry(disk, say);
}

// A medium that was pulled out has none of the programs any more that would say so; this one is in memory.
class StayInMemory {
public:
    StayInMemory() {
        if (::mlockall(MCL_CURRENT | MCL_FUTURE) != 0) throw system_error("lock", "the installer's memory");
    }
    StayInMemory(const StayInMemory&) = delete;
    StayInMemory& operator=(const StayInMemory&) = delete;
    ~StayInMemory() { ::munlockall(); }
};

// What fails without its medium gets that reason.
template <class Work> void while_medium_is_there(const Medium& medium, const Work& work) {
    const StayInMemory stay;
    try {
        work();
    } catch (Error& error) {
        if (!fs::exists(medium.slot.root.device)) error.add_hint("the medium was pulled out: put it back and start the machine again, the installation begins anew");
        throw;
    }
}

std::variant<Done, Waiting> install_in_place(const disks::Disk& disk, const Medium& medium, const Mount& esp, const SiteFiles& files, const Say& say) {
    const std::uint64_t there = size_of(medium.esp.device) + medium.slot.root_size + medium.slot.verity_size;
    if (const auto needed = minimum_size_in_place(medium.slot, there); disk.size < needed)
        return Waiting{fmt::format("not installing: {} is too small for a node: {} are needed", disk.device.native(), human_bytes(needed))};
    while_doing(fmt::format("making a node of '{}'", disk.device.native()), [&] { grow(disk, medium, esp, files, say); });
    return Done::installed;
}

std::variant<Done, Waiting> install_on_other_disk(std::vector<disks::Disk>& disks, const Medium& medium, const Mount& esp, const SiteFiles& files, const Say& say) {
    for (auto& disk : disks)
        if (!disk.started_from) disks::look_inside(disk);
    const auto choice = disks::choose(files.site.disk, disks, minimum_size(medium.slot));
    if (const auto* undecided = std::get_if<disks::Undecided>(&choice)) return waiting(*undecided);
    const disks::Disk& target = std::get<disks::Chosen>(choice).disk;
    while_doing(fmt::format("installing on '{}'", target.device.native()), [&] { while_medium_is_there(medium, [&] { write_on(target, medium, esp, files, say); }); });
    return Done::installed;
}

// The keys that lie on the medium: one directory with any name, as systemd-boot wants it.
fs::path keys_on(const Mount& esp) {
    const fs::path all = esp.path() / "loader/keys";
    std::vector<fs::path> found;
    if (fs::is_directory(all))
        for (const auto& entry : fs::directory_iterator(all))
            if (entry.is_directory()) found.push_back(entry.path());
    if (found.size() == 1) return found.front();
    throw Error(fmt::format("cannot enrol Secure Boot keys: the medium has {} directories in loader/keys and not one", found.size()),
                "docs/guides/secure-boot.md says how they get there");
}

// The TPM seals to what Secure Boot is, so that comes first. Nothing when the installation may go on.
std::optional<std::variant<Done, Waiting>> settle_secure_boot(const site::Site& site, const Mount& esp, const Say& say) {
    if (site.secure_boot == site::SecureBoot::as_it_is) return std::nullopt;
    const auto now = secure_boot();
    if (now == SecureBoot::on) return std::nullopt;
    if (now == SecureBoot::none) return Waiting{"not installing: the firmware does not know Secure Boot, and site.toml asks for it"};
    if (now == SecureBoot::off) return Waiting{"not installing: Secure Boot is off although the firmware has keys: turn it on in its set-up"};
    if (site.secure_boot == site::SecureBoot::require)
        return Waiting{"not installing: the firmware has no Secure Boot keys (setup mode): enrol them, or let site.toml say secure_boot = \"enrol\""};
    enrol_keys(keys_on(esp));
    say("the firmware has the Secure Boot keys of this medium");
    return Done::keys_enrolled;
}

} // namespace

std::vector<std::string> unmet(const site::Site& site, const fs::path& root) {
    const site::Requirements& wanted = site.requirements;
    std::vector<std::string> reasons;
    const std::string memory = read_file(root / "proc/meminfo"); // "MemTotal:       16384000 kB"
    const std::uint64_t total = std::stoull(memory.substr(memory.find_first_of("0123456789"))) * 1024;
    // Firmware and kernel keep some of what was bought.
    if (total + total / 8 < wanted.memory)
        reasons.push_back(fmt::format("the machine has {} of memory, {} are required", human_bytes(total), human_bytes(wanted.memory)));
    unsigned processors = 0;
    for (const auto& entry : fs::directory_iterator(root / "sys/devices/system/cpu")) {
        const std::string name = entry.path().filename().native();
        if (name.starts_with("cpu") && name.size() > 3 && name.find_first_not_of("0123456789", 3) == std::string::npos) ++processors;
    }
    if (processors < wanted.processors) reasons.push_back(fmt::format("the machine has {} processors, {} are required", processors, wanted.processors));
    if (wanted.tpm && !fs::exists(root / "sys/class/tpm/tpm0")) reasons.emplace_back("the machine has no TPM, one is required");
    if (site.encryption == site::Encryption::require && !has_tpm(root))
        reasons.emplace_back("the machine has no TPM 2.0, and encryption is \"require\"");
    if (site.trust.require_tpm && !has_tpm(root)) reasons.emplace_back("the machine has no TPM 2.0, and the site takes nodes with one only");
    return reasons;
}

std::variant<Done, Waiting> install(const Say& say) {
    disks::settle();
    auto disks = disks::inventory();
    const disks::Disk* started = disks::started_from(disks);
    if (started == nullptr) return Waiting{"not installing: the firmware does not say which disk the node was started from"};
    const Medium medium = medium_of(*started, firstboot::read_identity("/").release);
    const Mount esp(medium.esp.device.native(), run_directory / "medium", "vfat", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC);
    const fs::path directory = esp.path() / "ashlar";
    if (!fs::exists(directory / "site.toml")) return Waiting{"not installing: the medium has no ashlar/site.toml on its boot partition"};
    const SiteFiles files = read_site_files(directory);
    if (const auto reasons = unmet(files.site); !reasons.empty()) return Waiting{"not installing: " + join(reasons, "\n  ")};
    if (const auto outcome = settle_secure_boot(files.site, esp, say)) return *outcome;
    if (files.site.place == site::Place::in_place) return install_in_place(*started, medium, esp, files, say);
    return install_on_other_disk(disks, medium, esp, files, say);
}

} // namespace ashlar::node
