#include "node.hpp"

#include "../signing/samples.hpp"

#include <base/process.hpp>
#include <boot_directory.hpp>
#include <base/text.hpp>
#include <bootmenu/menu.hpp>
#include <delta/compression.hpp>
#include <delta/stream.hpp>
#include <delta/writer.hpp>
#include <gpt/table.hpp>
#include <signing/authenticode.hpp>
#include <signing/extent.hpp>
#include <signing/source.hpp>
#include <signing/uki.hpp>
#include <signing/verity.hpp>
#include <slots/slots.hpp>
#include <state/state.hpp>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fmt/format.h>

namespace lab {

namespace {

constexpr std::uint64_t mib = std::uint64_t{1} << 20U;
constexpr std::uint64_t piece = 128U << 10U;

VerityParameters parameters() { return {*Guid::from_text("00112233-4455-4677-8899-aabbccddeeff"), Bytes(32, std::byte{7})}; }

std::string block(const Root& root, std::uint64_t number) {
    const std::string text = sha256(fmt::format("{} {} {}", root.seed, number, number % 50 == 7 ? root.change : "")).hex();
    std::string content;
    while (content.size() < verity_block) content += text;
    return content;
}

std::string content_of(const Root& root) {
    std::string content;
    for (std::uint64_t number = 0; number < root.mib * mib / verity_block; ++number) content += block(root, number);
    return content;
}

void write_full(const fs::path& file, const std::string& content, const Digest& root_hash, const fs::path& tree) {
    delta::Writer writer(file, {.old = std::nullopt, .root_hash = root_hash, .size = content.size(), .verity = parameters()});
    delta::Compressor compressor(3);
    for (std::uint64_t at = 0; at < content.size(); at += piece) {
        const auto bytes = bytes_of(content).subspan(at, piece);
        writer.add({.kind = delta::Kind::data, .offset = 0, .size = piece, .result = sha256(bytes)}, compressor.pack(bytes));
    }
    const Fd file_of_tree = open_file(tree, O_RDONLY);
    writer.finish(FileExtent{file_of_tree.get(), 0, fs::file_size(tree), tree.native()});
}

void put(const fs::path& disk, std::uint64_t offset, const std::string& content) {
    const Fd file = open_file(disk, O_WRONLY);
    write_at({file.get(), offset, content.size(), disk.native()}, 0, bytes_of(content));
}

} // namespace

const Identity& signer() {
    static const Identity identity = samples::identity(0);
    return identity;
}

const Identity& stranger() {
    static const Identity identity = samples::identity(1);
    return identity;
}

Release::Release(const fs::path& place, std::string release, const Root& content, const Identity& key)
    : directory(place), name(std::move(release)), root_hash(sha256("")), index{.root_hash = root_hash, .uki_digest = root_hash} {
    fs::create_directories(directory);
    const std::string text = content_of(content);
    write_file(root(), text);
    root_hash = write_verity(root(), tree(), parameters());
    const auto stub = samples::efi_image(), kernel = samples::efi_image();
    const auto composed = compose_uki({.stub = stub,
                                       .kernel = kernel,
                                       .initrds = {bytes_of("initrd")},
                                       .os_release = fmt::format("IMAGE_ID=ashlar\nVARIANT_ID=base\nIMAGE_VERSION={}\n", name),
                                       .command_line = "quiet roothash=" + root_hash.hex(),
                                       .kernel_release = "6.12.0"},
                                      name);
    const Bytes signed_uki = sign_authenticode(composed, key, name);
    write_file(directory / (name + ".efi"), text_of(signed_uki));
    write_full(directory / (name + ".full"), text, root_hash, tree());
    index = {.role = "base",
             .release = name,
             .architecture = "amd64",
             .root_hash = root_hash,
             .root_size = text.size(),
             .uki = {name + ".efi", signed_uki.size()},
             .uki_digest = sha256(signed_uki),
             .streams = {{std::nullopt, {name + ".full", fs::file_size(directory / (name + ".full"))}}}};
    write_index();
}

void Release::write_index() const { write_file(directory / release_index_name("base", "amd64"), release_index_text(index)); }

Bytes Release::uki() const { return read_bytes(directory / (name + ".efi")); }

void Release::add_delta_from(const Release& old) const {
    const std::string before = read_file(old.root()), after = read_file(root());
    const std::string file = old.name + "-" + name + ".delta";
    delta::Writer writer(directory / file, {.old = delta::Old{old.root_hash, before.size()}, .root_hash = root_hash, .size = after.size(), .verity = parameters()});
    delta::Compressor compressor(3);
    for (std::uint64_t at = 0; at < after.size(); at += piece) {
        const auto bytes = bytes_of(after).subspan(at, piece), reference = bytes_of(before).subspan(at, piece);
        const bool same = std::ranges::equal(bytes, reference);
        writer.add({.kind = same ? delta::Kind::copy : delta::Kind::patch, .offset = 0, .size = piece, .old_offset = at, .old_size = piece, .result = sha256(bytes)},
                   same ? Bytes() : compressor.pack(bytes, reference));
    }
    writer.finish(std::nullopt);
    index.streams.push_back({old.root_hash, {file, fs::file_size(directory / file)}});
    write_index();
}

NodeDisk::NodeDisk(const fs::path& place, const Release& release) : directory(place) {
    fs::create_directories(esp() / "EFI/Linux");
    const Fd file = open_file(disk(), O_RDWR | O_CREAT);
    if (::ftruncate(file.get(), 64 * mib) != 0) throw system_error("enlarge", disk().native());
    const auto line = [](unsigned size, const char* type, const std::string& more) { return fmt::format("size={}MiB, type={}{}\n", size, type, more); };
    constexpr const char *root_type = "4f68bce3-e8cd-4db1-96e7-fbcaf984b709", *verity_type = "2c7357ed-ebd2-46d9-aec1-23d437ec2bf5";
    run_checked({.argv = {"/sbin/sfdisk", "--quiet", disk().native()},
                 .input = "label: gpt\n" + line(16, root_type, ", uuid=" + data_partition_of(release.root_hash).text()) +
                          line(1, verity_type, ", uuid=" + hash_partition_of(release.root_hash).text()) + line(16, root_type, ", name=_empty") +
                          line(1, verity_type, ", name=_empty")});
    const auto table = gpt::read(disk());
    put(disk(), table.partitions[0].offset, read_file(release.root()));
    put(disk(), table.partitions[1].offset, read_file(release.tree()));
    write_file(esp() / "EFI/Linux" / fmt::format("ashlar_{}.efi", release.name), text_of(release.uki()));
    write_file(state(), std::string(state::partition_size, '\0'));
    state::write(state(), {{"format", 1}, {"hostname", "node-1"}});
}

steps::Node NodeDisk::node(const upgrade::Installed& running) const {
    return {.role = "base",
            .architecture = "amd64",
            .running = running,
            .disk = disk(),
            .state = state(),
            .boot_partition = [esp = esp()] { return std::make_unique<BootDirectory>(esp); },
            .work = directory / "work",
            .media = directory / "media",
            .pull = {ASHLAR_PULL},
            .restart = [] {}};
}

// systemd-boot's choice and count, then the root that the UKI names, as dm-verity would see it.
std::string NodeDisk::start() {
    const bootmenu::Menu menu(esp());
    const auto entry = menu.next();
    if (!entry) return "nothing";
    auto counted = *entry;
    if (counted.tries && counted.tries->left > 0) counted.tries = bootmenu::Tries{counted.tries->left - 1, counted.tries->done + 1};
    fs::rename(esp() / "EFI/Linux" / entry->file_name(), esp() / "EFI/Linux" / counted.file_name());
    const std::string uki = read_file(esp() / "EFI/Linux" / counted.file_name());
    const auto contents = read_uki(bytes_of(uki), counted.file_name());
    const std::string line(contents.command_line.value());
    const Digest root_hash = Digest::from_hex(line.substr(line.find("roothash=") + 9)).value();
    const auto slots = slots::slots_of(gpt::read(disk()), root_hash);
    const Fd file = open_file(disk(), O_RDONLY);
    const FileExtent tree{file.get(), slots.running.verity.offset, slots.running.verity.size, "tree"};
    const auto header = read_verity_header(tree);
    const std::uint64_t size = header.data_blocks * verity_block;
    const auto fault = verify_verity({file.get(), slots.running.root.offset, size, "root"}, {file.get(), slots.running.verity.offset, verity_size(size), "tree"}, root_hash,
                                     header.parameters);
    return fault ? fmt::format("{} with a broken root: {}", counted.release, fault->text()) : counted.release;
}

} // namespace lab
