#include <puller/puller.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <delta/application.hpp>
#include <delta/blocks.hpp>
#include <delta/stream.hpp>
#include <signing/extent.hpp>
#include <signing/release.hpp>
#include <signing/source.hpp>
#include <transfer/range_reader.hpp>

#include <algorithm>
#include <fcntl.h>
#include <memory>
#include <unistd.h>

#include <fmt/format.h>

namespace ashlar::puller {

namespace fs = std::filesystem;

using namespace pull;

namespace {

constexpr std::uint64_t sync_every = std::uint64_t{16} << 20U;
constexpr std::uint64_t most_index = 1U << 20U;

transfer::Options options_of(const pull::Source& source) {
    transfer::Options options;
    if (!source.proxy.empty()) options.proxies.http = options.proxies.https = source.proxy;
    if (!source.certificates.empty()) options.certificates = source.certificates;
    return options;
}

std::unique_ptr<ashlar::Source> open(const pull::Source& source, const std::string& file) {
    if (source.location.starts_with('/')) return std::make_unique<FileSource>(fs::path(source.location) / file);
    return std::make_unique<transfer::RangeReader>(source.location + "/" + file, options_of(source));
}

Bytes read_whole(const pull::Source& source, const std::string& file, std::uint64_t most) {
    const auto bytes = open(source, file);
    const std::uint64_t size = bytes->size();
    if (size > most) throw Error(fmt::format("cannot read '{}': it has {} bytes, at most {} are expected", bytes->name(), size, most));
    Bytes content(size);
    bytes->read(0, content);
    return content;
}

// The extent of a part, over a descriptor that lives elsewhere.
FileExtent extent(const Fd& disk, const Part& part, const fs::path& name) { return {disk.get(), part.offset, part.size, name.native()}; }

const PublishedStream& whole_stream(const ReleaseIndex& index) {
    return *std::ranges::find_if(index.streams, [](const PublishedStream& stream) { return !stream.from; });
}

// What the block way would fetch, if it can be gone at all.
std::optional<std::uint64_t> cost_of_blocks(const delta::Stream& full, const Have& have) {
    const Fd disk = open_file(have.disk, O_RDONLY);
    const auto plan = delta::plan_blocks(full, extent(disk, have.tree, have.disk));
    return plan ? std::optional(plan->payload_from(full, 0)) : std::nullopt;
}

// All operations of a small file, in memory.
Bytes applied(const delta::Stream& stream, ByteView old) {
    delta::Decoder decoder;
    Bytes made, payload;
    for (const auto& operation : stream.operations()) {
        if (operation.old_offset + operation.old_size > old.size()) throw delta::Refused("cannot make the UKI: the delta is from another one");
        payload.resize(operation.payload_size);
        stream.source().read(operation.payload_offset, payload);
        append(made, decoder.result(operation, payload, old.subspan(operation.old_offset, operation.old_size)));
    }
    return made;
}

// From the one that runs, where there is a delta from it. Nothing: all of it is to be fetched.
std::optional<Bytes> uki_by_delta(const pull::Source& source, const ReleaseIndex& index, const Have& have) {
    const auto delta = std::ranges::find(index.uki_deltas, std::optional(sha256_of_file(have.uki)), &PublishedStream::from);
    if (delta == index.uki_deltas.end() || delta->file.size >= index.uki.size) return std::nullopt;
    try {
        const auto bytes = open(source, delta->file.file);
        Bytes old = read_bytes(have.uki);
        old.resize(round_up(old.size(), delta::block_size));
        Bytes uki = applied(delta::Stream(*bytes), old);
        uki.resize(std::min<std::uint64_t>(uki.size(), index.uki.size));
        if (sha256(uki) == index.uki_digest) return uki;
    } catch (const Error&) { // what it lacks the whole file has; if not, that one tells
    }
    return std::nullopt;
}

// Whoever cannot open it goes another way, whatever the reason is.
std::unique_ptr<ashlar::Source> open_stream(const pull::Source& source, const std::string& file) {
    try {
        auto bytes = open(source, file);
        (void)bytes->size(); // asks
        return bytes;
    } catch (const Error& error) {
        throw delta::Refused(error.message());
    }
}

void require_wanted(const delta::Stream& stream, const Work& work) {
    const auto refuse = [&](std::string_view cause) { throw delta::Refused(fmt::format("cannot use delta '{}': {}", stream.source().name(), cause)); };
    const delta::Header& header = stream.header();
    if (header.root_hash != work.root_hash) refuse(fmt::format("it makes the root {}, not {}", header.root_hash.hex(), work.root_hash.hex()));
    if (header.old && header.old->root_hash != work.have.root_hash) refuse(fmt::format("it is from the root {}, not {}", header.old->root_hash.hex(), work.have.root_hash.hex()));
}

} // namespace

Offer look(const pull::Source& source, const Have& have, const fs::path& uki) {
    const std::string name = release_index_name(have.role, have.architecture);
    const Bytes text = read_whole(source, name, most_index);
    ReleaseIndex index = parse_release_index(text_of(text), name);
    const auto made = uki_by_delta(source, index, have);
    write_file(uki, text_of(made ? *made : read_whole(source, index.uki.file, index.uki.size)), 0600, Durability::synced);

    const auto whole = whole_stream(index);
    const auto full_bytes = open(source, whole.file.file);
    const delta::Stream full(*full_bytes);
    const std::uint64_t everything = full.payload_from(0);
    std::vector<Route> routes;
    if (const auto delta = std::ranges::find(index.streams, std::optional(have.root_hash), &PublishedStream::from); delta != index.streams.end() && delta->file.size < everything)
        routes.push_back({Way::delta, delta->file.file, delta->file.size});
    if (const auto blocks = cost_of_blocks(full, have); blocks && *blocks < everything) routes.push_back({Way::blocks, whole.file.file, *blocks});
    routes.push_back({Way::full, whole.file.file, everything});
    std::ranges::stable_sort(routes, {}, &Route::download);
    return {.index = index, .routes = std::move(routes), .verity = full.header().verity};
}

void fill(const pull::Source& source, const Work& work, const std::function<void(const Progress&)>& on_disk) {
    const auto bytes = open_stream(source, work.stream);
    const delta::Stream stream(*bytes);
    require_wanted(stream, work);
    if (stream.header().size > work.to.size)
        throw Error(fmt::format("cannot write the new root: it has {} bytes, the slot has {}", stream.header().size, work.to.size), "install the node again, with a larger layout");
    const Fd disk = open_file(work.have.disk, O_RDWR);
    const FileExtent to = extent(disk, work.to, work.have.disk), old = extent(disk, work.have.root, work.have.disk);
    std::uint64_t synced = 0, download = stream.payload_from(work.first);
    const auto report = [&](const delta::Progress& progress) {
        if (progress.written - synced < sync_every && progress.operations < stream.operations().size()) return;
        if (::fdatasync(disk.get()) != 0) throw system_error("sync", work.have.disk.native());
        // What was written is of no use in memory; the slot is read from the disk when it is proved.
        ::posix_fadvise(disk.get(), static_cast<off_t>(work.to.offset), static_cast<off_t>(work.to.size), POSIX_FADV_DONTNEED);
        synced = progress.written;
        on_disk({progress.operations, progress.written, stream.header().size, progress.fetched, download});
    };
    if (work.way == Way::blocks) {
        const auto plan = delta::plan_blocks(stream, extent(disk, work.have.tree, work.have.disk));
        if (plan) {
            download = plan->payload_from(stream, work.first);
            delta::apply(stream, *plan, old, to, work.first, report);
            return;
        }
    }
    delta::apply(stream, stream.header().old ? std::optional(old) : std::nullopt, to, work.first, report);
}

} // namespace ashlar::puller
