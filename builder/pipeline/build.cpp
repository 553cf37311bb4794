#include <pipeline/build.hpp>

#include <pipeline/inputs.hpp>
#include <pipeline/kept.hpp>
#include <pipeline/output_draft.hpp>
#include <pipeline/roots.hpp>
#include <pipeline/stage_key.hpp>
#include <pipeline/tree_record.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/json.hpp>
#include <base/text.hpp>
#include <evidence/bill_of_materials.hpp>
#include <evidence/manifest.hpp>
#include <image/architecture.hpp>
#include <image/boot_partition.hpp>
#include <image/disk.hpp>
#include <image/file_system.hpp>
#include <image/firmware.hpp>
#include <image/identifiers.hpp>
#include <image/initrd.hpp>
#include <image/kernel.hpp>
#include <image/os_release.hpp>
#include <image/selection.hpp>
#include <image/uki.hpp>
#include <image/verity.hpp>
#include <root/capture.hpp>
#include <root/normalise.hpp>
#include <root/overlay.hpp>
#include <root/sandbox.hpp>

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace ashlar::pipeline {

namespace fs = std::filesystem;

namespace {

// What one image is built from and with.
struct Job {
    Workshop& workshop;
    const lock::Lock& lock;
    recipe::Role role;
    StageResult tools;

    [[nodiscard]] root::ToolsRoot tool() const { return root::ToolsRoot(tools.output / "root"); }
    [[nodiscard]] const image::Architecture& architecture() const { return image::architecture(lock.architecture); }
    [[nodiscard]] const std::string& release() const { return workshop.train().release; }
    [[nodiscard]] formation::RoleGraph roles() const { return workshop.recipes().role_graph(workshop.train(), role.name); }
    [[nodiscard]] StageTimer timer(std::string stage) const { return {workshop.profile(), workshop.renderer(), role.name, std::move(stage)}; }
};

// What a service keeps, for the node: docs/formats/recipe.md, "state".
std::string state_text(const std::vector<recipe::StateEntry>& state) {
    Json entries = Json::array();
    for (const auto& entry : state)
        entries.push_back({{"path", entry.path}, {"owner", entry.owner}, {"mode", fmt::format("{:04o}", entry.mode)},
                           {"type", entry.type == recipe::StateEntry::Type::file ? "file" : "directory"}});
    return pretty(Json{{"format", 1}, {"state", entries}});
}

void add_role(StageKey& key, const recipe::Role& role) {
    for (const auto& overlay : role.overlays) key.add_tree("overlay", overlay);
    for (const auto& file : role.files) {
        key.add("file", file.path).add("owner", file.owner);
        if (file.mode) key.add("mode", static_cast<std::int64_t>(*file.mode));
    }
    for (const auto& entry : role.state) key.add("state", state_text({entry}));
    for (const auto& service : role.services) key.add("service", service);
    for (const auto& name : role.formations) key.add("formation", name);
    for (const auto& pattern : role.drop) key.add("drop", pattern);
}

// A root that is changed on top: what lies below stays as it is in the store.
class Draft {
public:
    Draft(Workshop& workshop, const fs::path& base) : space_(workshop.store().temporary()) {
        for (const char* name : {"upper", "work", "root"}) fs::create_directory(space_.path() / name);
        mount_.emplace(std::vector{base}, space_.path() / "upper", space_.path() / "work", space_.path() / "root");
    }
    [[nodiscard]] const fs::path& root() const { return mount_->path(); }

private:
    store::Workspace space_;
    std::optional<root::OverlayMount> mount_;
};

// What a node believes first: docs/formats/trust.md.
void write_trust(const fs::path& root, const fs::path& trusted_root) {
    if (trusted_root.empty()) return;
    fs::create_directories(root / "usr/lib/ashlar/trust");
    write_file(root / "usr/lib/ashlar/trust/root.json", read_file(trusted_root));
}

void write_identity(const fs::path& root, const recipe::Role& role, const std::string& release) {
    const fs::path path = root / "usr/lib/os-release";
    write_file(path, image::identify(read_file(path), role.name, release));
    fs::create_directories(root / "usr/lib/ashlar");
    write_file(root / "usr/lib/ashlar/state.json", state_text(role.state));
}

// The configured root becomes this role's, of this release.
root::Tree assemble(const Job& job, const fs::path& root) {
    StageTimer timer = job.timer("assemble");
    root::apply_overlays(root, job.role, job.lock.epoch);
    if (fs::exists(root / "usr/lib/systemd/systemd")) root::apply_presets(root, job.role);
    root::place_formations(root, job.role, job.workshop.recipes().path() / "formations", job.roles());
    write_identity(root, job.role, job.release());
    write_trust(root, job.workshop.options().trusted_root);
    root::normalise(root, job.lock.epoch);
    const root::Tree tree = root::capture(root, job.lock.epoch);
    root::refuse_secrets(tree);
    return image::without(tree, image::PathPatterns(job.role.drop));
}

void write_file_system(const Job& job, const root::Tree& tree, const fs::path& output) {
    StageTimer timer = job.timer("file system");
    image::make_file_system(tree, {.name = job.role.name, .epoch = job.lock.epoch, .limit = job.role.limits.root}, job.tool(),
                            output / "root.erofs");
    timer.activity().outcome(fmt::format("{}, {} entries", human_bytes(fs::file_size(output / "root.erofs")), tree.size()));
}

void write_hash_tree(const Job& job, const fs::path& output) {
    StageTimer timer = job.timer("hash tree");
    write_file(output / "root-hash", image::make_verity(job.role.name, output / "root.erofs", output / "root.verity").hex());
}

void write_record(const Job& job, const root::Tree& tree, const fs::path& output) {
    StageTimer timer = job.timer("record of the root");
    write_file(output / "tree.json", to_text(record(tree)));
}

// The root of the node as a file system with its hash tree.
//   root.erofs, root.verity, root-hash, os-release, tree.json
StageResult make_root(const Job& job, const StageResult& configured) {
    StageKey key("file-system");
    key.add("configured", configured.key).add("tools", job.tools.key).add("role", job.role.name).add("release", job.release());
    add_role(key, job.role);
    for (const auto& name : job.role.formations) key.add("formation file", sha256_of_file(job.workshop.recipes().path() / "formations" / (name + ".toml")));
    if (!job.role.formations.empty()) key.add("roles", formation::text_of({job.role.name, job.roles()}));
    if (const fs::path& trusted = job.workshop.options().trusted_root; !trusted.empty()) key.add("trusted root", sha256_of_file(trusted));
    if (job.role.limits.root) key.add("limit", static_cast<std::int64_t>(*job.role.limits.root));
    return run_parts(job.workshop, {job.role.name, "file system", "file-system", key.finish()}, [&](const fs::path& output) {
        const Draft draft(job.workshop, configured.output / "root");
        const root::Tree tree = assemble(job, draft.root());
        write_file_system(job, tree, output);
        write_hash_tree(job, output);
        write_record(job, tree, output);
        write_file(output / "os-release", read_file(draft.root() / "usr/lib/os-release"));
    });
}

// What of a root the kernel brings, modules and firmware with it, and what depmod(8) made of the modules' names: the same
// for every role that has the same packages of them. Newer kernels of Debian come in several packages.
bool is_kernel_package(const std::string& name) {
    constexpr std::array beginnings{"linux-image-", "linux-binary-", "linux-modules-", "linux-base-", "firmware-"};
    return std::ranges::any_of(beginnings, [&](const char* beginning) { return name.starts_with(beginning); }) || name.ends_with("-microcode");
}

root::Tree kernel_tree(const Job& job, const StageResult& configured) {
    root::Tree tree = root::capture(configured.output / "root", job.lock.epoch);
    std::erase_if(tree, [](const root::Entry& entry) {
        return entry.type != root::EntryType::directory && !is_kernel_package(entry.package) && !image::is_module_aliases(entry.path);
    });
    return tree;
}

// The kernel and everything that is loaded with it, in one place.
//   vmlinuz, version, initrd, microcode (where the role has it)
StageResult make_initrd(const Job& job, const StageResult& configured) {
    const recipe::Role initrd = job.workshop.recipes().load_role(job.role.initrd);
    const StageResult unpacked = unpacked_root(job.workshop, job.lock, initrd.name);
    StageKey key("initrd");
    key.add("content", unpacked.key).add("tools", job.tools.key);
    add_role(key, initrd);
    for (const auto& module : job.role.kernel->initrd_modules) key.add("module", module);
    for (const auto& module : job.role.waived_firmware) key.add("waived", module);
    for (const lock::Package* package : job.lock.packages_of(job.role.name))
        if (is_kernel_package(package->name)) key.add(package->name, package->sha256);
    return run_stage(job.workshop, {job.role.name, "initrd", "initrd", key.finish()}, [&](const fs::path& output, StageTimer& timer) {
        const root::Tree kernel_root = kernel_tree(job, configured);
        const image::Kernel kernel = image::find_kernel(kernel_root);
        const Draft draft(job.workshop, unpacked.output / "root");
        root::apply_overlays(draft.root(), initrd, job.lock.epoch);
        const auto summary = image::make_initrd({.content = root::capture(draft.root(), job.lock.epoch),
                                                 .drop = initrd.drop,
                                                 .kernel_root = kernel_root,
                                                 .modules = job.role.kernel->initrd_modules,
                                                 .epoch = job.lock.epoch},
                                                job.tool(), output / "initrd");
        image::refuse_missing_firmware(job.role, summary.missing);
        (void)image::make_microcode(kernel_root, job.lock.epoch, output / "microcode");
        fs::copy_file(kernel.image, output / "vmlinuz");
        write_file(output / "version", kernel.version);
        timer.activity().outcome(fmt::format("{}, {} modules", human_bytes(summary.size), summary.modules.size()));
    });
}

image::UkiInput uki_input(const Job& job, const StageResult& root, const StageResult& initrd) {
    const fs::path microcode = initrd.output / "microcode";
    return {.role = job.role.name,
            .release = job.release(),
            .sbat_generation = job.workshop.train().sbat_generation,
            .stub = job.tools.output / "root" / job.architecture().stub_source(),
            .kernel = initrd.output / "vmlinuz",
            .kernel_version = read_file(initrd.output / "version"),
            .initrd = initrd.output / "initrd",
            .microcode = fs::exists(microcode) ? std::optional(microcode) : std::nullopt,
            .os_release = read_file(root.output / "os-release"),
            .command_line = job.role.kernel->command_line,
            .rescue = job.role.kernel->rescue,
            .root_hash = *Digest::from_hex(read_file(root.output / "root-hash")),
            .limit = job.role.limits.uki};
}

std::optional<image::UkiSummary> make_uki(const Job& job, const StageResult& root, const StageResult& initrd, const ImageSigner& signer, const fs::path& output) {
    StageTimer timer = job.timer("unified kernel image");
    const auto summary = image::make_uki(uki_input(job, root, initrd), signer, output);
    timer.activity().outcome(summary ? human_bytes(summary->size) : "waits for signatures");
    return summary;
}

// The same for every role of a release.
[[nodiscard]] bool sign_loader(const Job& job, const ImageSigner& signer, const fs::path& output) {
    return image::sign_program(job.tools.output / "root" / job.architecture().loader_source(), signer, job.release() + ": systemd-boot", output).has_value();
}

void make_boot_partition(const Job& job, const fs::path& uki, const fs::path& loader, const fs::path& work, const fs::path& output) {
    StageTimer timer = job.timer("boot partition");
    const fs::path configuration = work / "loader.conf";
    write_file(configuration, image::loader_configuration());
    image::make_boot_partition({.name = job.role.name,
                                .epoch = job.lock.epoch,
                                .files = {{job.architecture().fallback_path(), loader},
                                          {job.architecture().loader_path(), loader},
                                          {"loader/loader.conf", configuration},
                                          {image::uki_path(job.release()), uki}},
                                .size = job.role.limits.boot_partition},
                               job.tool(), output);
}

void make_disk(const Job& job, const StageResult& root, const fs::path& boot_partition, const fs::path& output) {
    StageTimer timer = job.timer("disk");
    image::make_disk({.architecture = job.lock.architecture,
                      .version = job.release(),
                      .root_hash = *Digest::from_hex(read_file(root.output / "root-hash")),
                      .boot_partition = boot_partition,
                      .root = root.output / "root.erofs",
                      .verity = root.output / "root.verity"},
                     output);
}

evidence::Artefact artefact(const fs::path& file) {
    return {.file = file.filename().native(), .sha256 = sha256_of_file(file), .size = fs::file_size(file)};
}

evidence::Subject subject_of(const Job& job, const StageResult& root, const Digest& disk, const std::string& lock_text) {
    return {.role = job.role.name,
            .release = job.release(),
            .train = job.lock.train,
            .architecture = job.lock.architecture,
            .epoch = job.lock.epoch,
            .ashlar = ASHLAR_VERSION,
            .lock = sha256(lock_text),
            .disk = disk,
            .root_hash = *Digest::from_hex(read_file(root.output / "root-hash")),
            .parts = parts_of(job.role, job.workshop.train(), job.lock)};
}

// The root of release metadata that the image brings.
std::optional<Digest> trusted_root_of(const Job& job) {
    const fs::path& file = job.workshop.options().trusted_root;
    return file.empty() ? std::nullopt : std::optional(sha256_of_file(file));
}

void write_evidence(const Job& job, const StageResult& configured, const StageResult& root, const StageResult& initrd,
                    const image::UkiSummary& uki, const evidence::Artefact& disk, const Product& product) {
    StageTimer timer = job.timer("evidence");
    const std::string lock_text = lock::to_text(job.lock);
    const evidence::Subject subject = subject_of(job, root, disk.sha256, lock_text);
    write_file(product.lock(), lock_text);
    write_file(product.file(".spdx.json"), evidence::spdx(subject));
    write_file(product.file(".cdx.json"), evidence::cyclonedx(subject));
    write_file(product.file(".packages"), evidence::package_list(subject));
    write_file(product.tree(), read_file(root.output / "tree.json"));
    write_file(product.file(".log"), read_file(configured.output / "log"));

    std::vector<std::string> command_line = job.role.kernel->command_line;
    command_line.push_back("roothash=" + subject.root_hash.hex());
    evidence::Manifest manifest{.role = subject.role,
                                .release = subject.release,
                                .train = subject.train,
                                .architecture = subject.architecture,
                                .epoch = subject.epoch,
                                .ashlar = subject.ashlar,
                                .lock = subject.lock,
                                .root_hash = subject.root_hash,
                                .kernel = read_file(initrd.output / "version"),
                                .command_line = std::move(command_line),
                                .unsigned_uki = uki.unsigned_file,
                                .authenticode = uki.authenticode,
                                .packages = evidence::packages_of(subject),
                                .trusted_root = trusted_root_of(job)};
    manifest.artefacts.emplace("disk", disk);
    manifest.artefacts.emplace("uki", artefact(product.uki()));
    manifest.artefacts.emplace("spdx", artefact(product.file(".spdx.json")));
    manifest.artefacts.emplace("cyclonedx", artefact(product.file(".cdx.json")));
    manifest.artefacts.emplace("packages", artefact(product.file(".packages")));
    write_file(product.manifest(), evidence::to_text(manifest));
}

// The files of `made` take their places under their final names, the disk image last: whoever sees
// it sees all of them.
void publish(const Product& made, const Product& final_place) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(made.directory)) files.push_back(entry.path());
    std::sort(files.begin(), files.end(), [&](const fs::path& a, const fs::path& b) {
        return std::pair(a == made.disk(), a) < std::pair(b == made.disk(), b);
    });
    // An older image of the same name must not stand beside newer evidence.
    fs::remove(final_place.disk());
    for (const fs::path& file : files) {
        std::error_code failure;
        fs::rename(file, final_place.directory / file.filename(), failure);
        if (failure) throw system_error("rename", (final_place.directory / file.filename()).native(), failure.value());
    }
}

Job job_of(Workshop& workshop, const lock::Lock& lock, const std::string& role) {
    return {.workshop = workshop, .lock = lock, .role = workshop.recipes().load_role(role), .tools = unpacked_root(workshop, lock, workshop.train().tools)};
}

// What has no signature in it.
struct Parts {
    StageResult configured, root, initrd;
};
Parts make_parts(const Job& job) {
    const StageResult configured = configured_root(job.workshop, job.lock, job.role);
    return {configured, make_root(job, configured), make_initrd(job, configured)};
}

} // namespace

std::vector<evidence::Part> parts_of(const recipe::Role& role, const recipe::Train& train, const lock::Lock& lock) {
    std::vector<const lock::Package*> boot;
    for (const lock::Package* package : lock.packages_of(train.tools))
        if (package->name == "systemd-boot-efi") boot.push_back(package);
    return {{"root", lock.packages_of(role.name)}, {"initrd", lock.packages_of(role.initrd)}, {"boot", boot}};
}

Product product_of(const recipe::Train& train, const std::string& role, const fs::path& directory) {
    return {.directory = directory, .base = evidence::base_name(role, train.release, train.architecture)};
}

TreeRecord record_of_root(Workshop& workshop, const lock::Lock& whole_lock, const std::string& name) {
    const lock::Lock lock = restricted(whole_lock, with_helpers(workshop, {name}));
    const Job job = job_of(workshop, lock, name);
    const fs::path file = make_root(job, configured_root(workshop, lock, job.role)).output / "tree.json";
    return parse_tree_record(read_file(file), file.native());
}

std::optional<Product> build_image(Workshop& workshop, const lock::Lock& whole_lock, const std::string& name, const ImageSigner& signer,
                                   const fs::path& directory) {
    const lock::Lock lock = restricted(whole_lock, with_helpers(workshop, {name}));
    const std::size_t before = workshop.results().size();
    const Job job = job_of(workshop, lock, name);
    // Beside the result, so that publishing is a rename.
    fs::create_directories(directory);
    const OutputDraft draft(directory);
    const Product made = product_of(workshop.train(), name, draft.path() / "files");
    fs::create_directory(made.directory);

    const auto [configured, root, initrd] = make_parts(job);
    const fs::path loader = draft.path() / "loader.efi";
    const bool is_loader_signed = sign_loader(job, signer, loader);
    const auto uki = make_uki(job, root, initrd, signer, made.uki());
    if (!uki || !is_loader_signed) return std::nullopt;
    make_boot_partition(job, made.uki(), loader, draft.path(), draft.path() / "esp");
    make_disk(job, root, draft.path() / "esp", made.disk());
    write_evidence(job, configured, root, initrd, *uki, artefact(made.disk()), made);

    const Product product = product_of(workshop.train(), name, directory);
    publish(made, product);
    keep_image(workshop, lock, name, product, std::span(workshop.results()).subspan(before));
    return product;
}

Product remake_image(Workshop& workshop, const lock::Lock& whole_lock, const std::string& name, const ImageSigner& signer, const evidence::Artefact& disk, const fs::path& directory) {
    const lock::Lock lock = restricted(whole_lock, with_helpers(workshop, {name}));
    const Job job = job_of(workshop, lock, name);
    fs::create_directories(directory);
    const Product made = product_of(workshop.train(), name, directory);
    const auto [configured, root, initrd] = make_parts(job);
    const auto uki = image::make_uki_as_far_as_signed(uki_input(job, root, initrd), signer, made.uki());
    write_evidence(job, configured, root, initrd, uki, disk, made);
    return made;
}

} // namespace ashlar::pipeline
