// What an upgrade costs a node, without firmware and restart: the phases from `checking` to `arming` on a disk
// in a file, with the real ashlar-pull.
//
//     bench_upgrade OLD.raw DIRECTORY WORK     DIRECTORY: what `ashlar publish` wrote for the next release

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/process.hpp>
#include <boot_directory.hpp>
#include <gpt/table.hpp>
#include <signing/extent.hpp>
#include <signing/release.hpp>
#include <signing/verity.hpp>
#include <state/state.hpp>
#include <steps/node_steps.hpp>

#include <chrono>
#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

namespace {

using namespace ashlar;
namespace fs = std::filesystem;

Digest root_hash_of(const gpt::Partition& root, const gpt::Partition& verity) {
    Digest::Bytes bytes{};
    std::ranges::copy(root.id.bytes(), bytes.begin());
    std::ranges::copy(verity.id.bytes(), bytes.begin() + 16);
    return Digest(bytes);
}

void copy(const fs::path& from, const gpt::Partition& part, const fs::path& to, const gpt::Partition& place) {
    const Fd source = open_file(from, O_RDONLY), target = open_file(to, O_WRONLY);
    Bytes buffer(std::size_t{4} << 20U);
    for (std::uint64_t at = 0; at < part.size; at += buffer.size()) {
        const auto piece = std::span(buffer).first(std::min<std::uint64_t>(buffer.size(), part.size - at));
        read_at({source.get(), part.offset, part.size, from.native()}, at, piece);
        write_at({target.get(), place.offset, place.size, to.native()}, at, piece);
    }
}

// A node's disk with OLD installed.
steps::Node node_with(const fs::path& old, const fs::path& work) {
    const gpt::Table image = gpt::read(old);
    const auto &root = image.partitions.at(1), &verity = image.partitions.at(2);
    const fs::path disk = work / "disk.raw", esp = work / "esp", state = work / "state";
    const std::uint64_t mib = 1U << 20U, slot = (root.size / mib + 64) * mib, tree = 16 * mib;
    const Fd file = open_file(disk, O_RDWR | O_CREAT | O_TRUNC);
    if (::ftruncate(file.get(), static_cast<off_t>(2 * (slot + tree) + 4 * mib)) != 0) throw system_error("enlarge", disk.native());
    gpt::Table table{.disk = root.id, .partitions = {root, verity, root, verity}};
    std::uint64_t offset = mib;
    for (std::size_t i = 0; i < 4; ++i) {
        auto& partition = table.partitions[i];
        partition.number = i + 1;
        partition.offset = offset;
        partition.size = i % 2 == 0 ? slot : tree;
        offset += partition.size;
        if (i >= 2) partition.id = *Guid::from_text(fmt::format("00000000-0000-4000-8000-00000000000{}", i));
    }
    gpt::write_new(disk, table);
    copy(old, root, disk, table.partitions[0]);
    copy(old, verity, disk, table.partitions[1]);
    fs::create_directories(esp / "EFI/Linux");
    const std::string release = root.label.substr(root.label.find('_') + 1);
    fs::copy_file(fs::path(old).replace_extension(".efi"), esp / "EFI/Linux" / fmt::format("ashlar_{}.efi", release), fs::copy_options::overwrite_existing);
    write_file(state, "");
    fs::resize_file(state, state::partition_size);
    state::write(state, {{"format", 1}});
    run_checked({.argv = {"sync", "--file-system", disk.native()}});
    return {.role = "base",
            .architecture = "amd64",
            .running = {release, root_hash_of(root, verity)},
            .disk = disk,
            .state = state,
            .boot_partition = [esp] { return std::make_unique<lab::BootDirectory>(esp); },
            .work = work / "upgrade",
            .media = work / "media",
            .pull = {ASHLAR_PULL},
            .restart = [] {}};
}

int run(const fs::path& old, const fs::path& release, const fs::path& work) {
    fs::create_directories(work);
    const steps::Node node = node_with(old, work);
    steps::NodeSteps steps(node, [](const steps::Transfer&) {});
    steps::StateMemory memory(node.state);
    upgrade::Keeper keeper(steps, memory, [](const upgrade::Journal&) {});
    keeper.wake(steps.facts(memory.recall()));
    const auto start = std::chrono::steady_clock::now();
    if (!keeper.upgrade({release.native(), "", ""}, upgrade::After::wait, node.running)) throw Error("cannot begin");
    Json phases;
    auto began = start;
    for (bool more = true; more;) {
        const std::string phase(upgrade::name_of(keeper.journal().phase));
        more = keeper.work();
        const auto now = std::chrono::steady_clock::now();
        phases[phase] = std::chrono::duration<double>(now - began).count();
        began = now;
        more = more && keeper.journal().phase != upgrade::Phase::armed;
    }
    if (keeper.journal().phase != upgrade::Phase::armed) throw Error(keeper.journal().ending.value_or(upgrade::Ending{}).text);
    fmt::print("{}", pretty({{"seconds", std::chrono::duration<double>(began - start).count()}, {"phases", phases}, {"way", keeper.journal().target->route.way}, {"download", keeper.journal().target->route.download}}));
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    try {
        return argc == 4 ? run(fs::absolute(argv[1]), fs::absolute(argv[2]), fs::absolute(argv[3])) : 2;
    } catch (const Error& error) {
        fmt::print(stderr, "bench_upgrade: {}\n", error.render());
        return 1;
    }
}
