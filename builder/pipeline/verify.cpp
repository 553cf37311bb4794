#include <pipeline/verify.hpp>

#include "disk_comparison.hpp"

#include <pipeline/daemon_stage.hpp>
#include <pipeline/inputs.hpp>
#include <pipeline/roots.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <signing/bytes.hpp>
#include <signing/pe.hpp>
#include <signing/uki.hpp>

#include <algorithm>
#include <array>
#include <map>

#include <fmt/format.h>

namespace ashlar::pipeline {

namespace fs = std::filesystem;

namespace {

// ---- Roots ----------------------------------------------------------------------------------------

std::string contents_cause(const EntryRecord& entry, const std::vector<fs::path>& overlays) {
    const bool from_overlay = std::any_of(overlays.begin(), overlays.end(), [&](const fs::path& overlay) { return fs::exists(overlay / entry.path); });
    if (from_overlay) return "contents differ: the overlay is not the one that was built";
    if (entry.package.empty()) return "contents differ: a maintainer script or a stage of the build makes it";
    return fmt::format("contents differ: it was changed after '{}' was unpacked, by a script or a stage of the build", entry.package);
}

void compare_entries(const EntryRecord& a, const EntryRecord& b, const std::vector<fs::path>& overlays, std::vector<Difference>& found) {
    const auto add = [&](std::string cause) { found.push_back({"/" + a.path, a.package, std::move(cause)}); };
    if (a.type != b.type) return add("it is of another type");
    if (a.sha256 != b.sha256) add(contents_cause(a, overlays));
    if (a.target != b.target) add(fmt::format("it links to '{}', then to '{}'", a.target, b.target));
    if (a.mode != b.mode) add(fmt::format("mode {:04o}, then {:04o}", a.mode, b.mode));
    if (a.uid != b.uid || a.gid != b.gid) add(fmt::format("owner {}:{}, then {}:{}", a.uid, a.gid, b.uid, b.gid));
    if (a.mtime != b.mtime) add(fmt::format("time {}, then {}", a.mtime, b.mtime));
    if (a.xattrs != b.xattrs) add("extended attributes differ");
    if (a.package != b.package) add(fmt::format("it is of package '{}', then of '{}'", a.package, b.package));
}

// ---- UKIs -----------------------------------------------------------------------------------------

// What its profiles have of their own, in a row.
std::optional<std::string> rescue_of(const UkiContents& uki) {
    std::string text;
    for (const auto& profile : uki.profiles)
        for (const auto& part : {std::optional(profile.profile), profile.os_release, profile.command_line}) text += std::string(part.value_or("")) + '\0';
    return text;
}

// All that comes with the stub.
std::string stub_of(ByteView uki, const fs::path& file) {
    static constexpr std::array known{".osrel", ".cmdline", ".uname", ".pcrpkey", ".linux", ".initrd", ".ucode", ".pcrsig", ".profile", ".sbat"};
    std::string text;
    for (const auto& section : parse_pe(uki, file.native()).sections)
        if (std::ranges::find(known, section.name) == known.end()) text += section.name + '\0' + std::string(text_of(section_content(uki, section)));
    return text;
}

void compare_ukis(const fs::path& first, const fs::path& second, std::vector<Difference>& found) {
    const std::string a = read_file(first), b = read_file(second);
    const UkiContents one = read_uki(bytes_of(a), first.native()), two = read_uki(bytes_of(b), second.native());
    const std::size_t before = found.size();
    const auto part = [&](std::string what, const auto& left, const auto& right, std::string_view cause) {
        const bool same = left.has_value() == right.has_value() && (!left || std::equal(left->begin(), left->end(), right->begin(), right->end()));
        if (!same) found.push_back({std::move(what), "", std::string(cause)});
    };
    const auto section = [&](std::string_view name, const auto& left, const auto& right, std::string_view cause) { part(fmt::format("section {} of the UKI", name), left, right, cause); };
    section(".cmdline", one.command_line, two.command_line, "another command line or root hash");
    section(".osrel", one.os_release, two.os_release, "another os-release");
    section(".uname", one.kernel_release, two.kernel_release, "another kernel");
    section(".linux", one.kernel, two.kernel, "another kernel");
    section(".initrd", one.initrd, two.initrd, "another initrd");
    section(".ucode", one.microcode, two.microcode, "other microcode");
    section(".profile", rescue_of(one), rescue_of(two), "another rescue entry");
    section(".pcrpkey", one.pcr_key, two.pcr_key, "another PCR key");
    section(".sbat", one.sbat, two.sbat, "another line of SBAT");
    part("stub of the UKI", std::optional(stub_of(bytes_of(a), first)), std::optional(stub_of(bytes_of(b), second)), "another systemd-boot");
    if (found.size() == before) section(".pcrsig", one.pcr_signatures, two.pcr_signatures, "other PCR policies or another PCR key");
    if (found.size() == before) found.push_back({"signature of the UKI", "", "its parts are the same: another db key or certificate"});
}

// ---- Everything else ------------------------------------------------------------------------------

bool same_bytes(const fs::path& a, const fs::path& b) { return fs::exists(b) && sha256_of_file(a) == sha256_of_file(b); }

TreeRecord record_of(const Product& product) { return parse_tree_record(read_file(product.tree()), product.tree().native()); }

// A role without it need not wait for its compilation.
bool has_daemon(const lock::Lock& lock) { return std::ranges::find(lock.packages, daemon_package, &lock::Package::name) != lock.packages.end(); }

constexpr std::array<std::string_view, 5> evidence{".spdx.json", ".cdx.json", ".packages", ".lock", ".manifest.json"};

// Image and record.
std::vector<Difference> compare_parts(const Product& first, const Product& second, const std::vector<fs::path>& overlays) {
    std::vector<Difference> found;
    if (!same_bytes(first.tree(), second.tree())) found = compare(record_of(first), record_of(second), overlays);
    if (!same_bytes(first.uki(), second.uki())) compare_ukis(first.uki(), second.uki(), found);
    return found;
}

void compare_evidence(const Product& first, const Product& second, std::vector<Difference>& found) {
    for (const std::string_view suffix : evidence)
        if (!same_bytes(first.file(suffix), second.file(suffix)))
            found.push_back({first.file(suffix).filename().native(), "", "its inputs differ: another ashlar, or what is named above"});
}

} // namespace

std::vector<Difference> compare(const TreeRecord& first, const TreeRecord& second, const std::vector<fs::path>& overlays) {
    std::map<std::string_view, const EntryRecord*> others;
    for (const EntryRecord& entry : second) others.emplace(entry.path, &entry);
    std::vector<Difference> found;
    for (const EntryRecord& entry : first) {
        const auto other = others.find(entry.path);
        if (other == others.end()) {
            found.push_back({"/" + entry.path, entry.package, "it is missing from the second build"});
            continue;
        }
        compare_entries(entry, *other->second, overlays, found);
        others.erase(other);
    }
    for (const auto& [path, entry] : others) found.push_back({fmt::format("/{}", path), entry->package, "it is in the second build only"});
    return found;
}

std::vector<Difference> compare_files(const Product& first, const Product& second, const std::vector<fs::path>& overlays) {
    std::vector<Difference> found = compare_parts(first, second, overlays);
    compare_evidence(first, second, found);
    return found;
}

EmptyStore::EmptyStore(Workshop& workshop) : workshop_(workshop), space_(workshop.store().temporary()), store_(space_.path() / "store") {
    fs::create_directory(store_);
    fs::create_directory_symlink(workshop.store().root() / "blobs", store_ / "blobs");
}

Workshop EmptyStore::workshop(const std::string& release, const fs::path& trusted_root) const {
    WorkshopOptions options = workshop_.options();
    options.store = store_;
    options.shared_store = "none"; // nobody else's results
    options.release = release;
    options.trusted_root = trusted_root;
    return Workshop(std::move(options), workshop_.renderer());
}

std::optional<Difference> compare_daemon(Workshop& workshop, const lock::Lock& lock) {
    const auto wanted = lock.outputs.find(std::string(daemon_package));
    if (wanted == lock.outputs.end() || !has_daemon(lock) || *compile_daemon(workshop, lock).digest == wanted->second) return std::nullopt;
    return Difference{"package ashlard", "ashlard", "this source, or its compilation, gives another package than the lock names"};
}

std::vector<Difference> verify(Workshop& workshop, const std::string& role, const Product& product, const ImageSigner& signer) {
    const EmptyStore store(workshop);
    Workshop again = store.workshop(workshop.train().release, workshop.options().trusted_root);
    const lock::Lock lock = lock::read(product.lock());
    fetch_packages(again, lock, with_helpers(again, {role}));
    std::vector<Difference> found;
    if (auto daemon = compare_daemon(again, lock)) found.push_back(*std::move(daemon));

    const auto rebuilt = build_image(again, lock, role, signer, store.space() / "out");
    if (!rebuilt) throw Error(fmt::format("cannot verify '{}': the keys that signed it are elsewhere", role), "db.key and pcr.key make the same signatures again");
    auto differences = compare_parts(product, *rebuilt, again.recipes().load_role(role).overlays);
    // Otherwise those differences are in the disk too.
    if (differences.empty() && !same_bytes(product.disk(), rebuilt->disk()))
        differences = compare_disks(product.disk(), rebuilt->disk(), record_of(*rebuilt), tools_root(again, lock), store.space());
    compare_evidence(product, *rebuilt, differences);
    found.insert(found.end(), differences.begin(), differences.end());
    return found;
}

} // namespace ashlar::pipeline
