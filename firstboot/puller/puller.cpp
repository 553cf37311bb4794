#include <puller/puller.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/mapped_file.hpp>
#include <base/progress.hpp>
#include <delta/application.hpp>
#include <delta/blocks.hpp>
#include <delta/stream.hpp>
#include <signing/extent.hpp>
#include <signing/release.hpp>
#include <signing/source.hpp>
#include <transfer/downloader.hpp>
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

// What a power cut may cost: bytes that are written again, and, dearer, fetched again.
constexpr std::uint64_t written_at_risk = std::uint64_t{64} << 20U, fetched_at_risk = std::uint64_t{16} << 20U;
constexpr std::uint64_t piece = std::uint64_t{4} << 20U; // bytes that are moved, and told of, at once
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

std::uint64_t require_at_most(std::uint64_t most, ashlar::Source& bytes) {
    const std::uint64_t size = bytes.size();
    if (size > most) throw Error(fmt::format("cannot read '{}': it has {} bytes, at most {} are expected", bytes.name(), size, most));
    return size;
}

Bytes read_whole(const pull::Source& source, const std::string& file, std::uint64_t most) {
    const auto bytes = open(source, file);
    Bytes content(require_at_most(most, *bytes));
    bytes->read(0, content);
    return content;
}

ReleaseIndex read_index(const pull::Source& source, const Have& have) {
    const std::string name = release_index_name(have.role, have.architecture);
    const Bytes text = read_whole(source, name, most_index);
    return parse_release_index(text_of(text), name);
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

// All operations of a small file.
void apply(const delta::Stream& stream, ByteView old, const FileExtent& to) {
    delta::Decoder decoder;
    Bytes payload;
    for (const auto& operation : stream.operations()) {
        if (operation.old_offset + operation.old_size > old.size()) throw delta::Refused("cannot make the UKI: the delta is from another one");
        payload.resize(operation.payload_size);
        stream.source().read(operation.payload_offset, payload);
        write_at(to, operation.offset, decoder.result(operation, payload, old.subspan(operation.old_offset, operation.old_size)));
    }
}

// From the one that runs, where there is a delta from it. False: all of it is to be fetched.
bool make_uki_by_delta(const pull::Source& source, const ReleaseIndex& index, const Have& have, const fs::path& uki) {
    const auto delta = std::ranges::find(index.uki_deltas, std::optional(sha256_of_file(have.uki)), &PublishedStream::from);
    if (delta == index.uki_deltas.end() || delta->file.size >= index.uki.size) return false;
    try {
        const auto bytes = open(source, delta->file.file);
        const delta::Stream stream(*bytes);
        if (stream.header().size != round_up(index.uki.size, delta::block_size)) return false;
        const MappedFile old(have.uki);
        write_file(uki, [&](const Fd& file) {
            apply(stream, old.pages(), {file.get(), 0, stream.header().size, uki.native()});
            if (::ftruncate(file.get(), static_cast<off_t>(index.uki.size)) != 0) throw system_error("write", uki.native());
        }, 0600, Durability::synced);
        return sha256_of_file(uki) == index.uki_digest;
    } catch (const Error&) { // what it lacks the whole file has; if not, that one tells
        return false;
    }
}

void fetch_uki(const pull::Source& source, const PublishedFile& published, const fs::path& uki) {
    const auto bytes = open(source, published.file);
    const std::uint64_t size = require_at_most(published.size, *bytes);
    write_file(uki, [&](const Fd& file) {
        Bytes buffer;
        for (std::uint64_t at = 0; at < size; at += buffer.size()) {
            buffer.resize(std::min<std::uint64_t>(size - at, piece));
            bytes->read(at, buffer);
            write_all(file.get(), buffer, uki.native());
        }
    }, 0600, Durability::synced);
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

// How much of the new root is safe from a power cut.
class SlotWriting {
public:
    SlotWriting(const Fd& disk, const Work& work) : disk_(disk), work_(work), safe_(work.first) {}

    // False: too little since the last time to speak of.
    bool came_to(const delta::Progress& now, bool last) {
        if (now.written - begun_ < piece && !last) return false;
        begin(now.written);
        if (last || now.written - synced_.written >= written_at_risk || now.fetched - synced_.fetched >= fetched_at_risk) sync(now);
        return true;
    }
    [[nodiscard]] std::size_t safe() const noexcept { return safe_; } // operations

private:
    // The disk works on it while the next bytes are made. Only a hint: what fails here fails in sync().
    void begin(std::uint64_t written) {
        ::sync_file_range(disk_.get(), static_cast<off_t>(work_.to.offset + begun_), static_cast<off_t>(written - begun_), SYNC_FILE_RANGE_WRITE);
        begun_ = written;
    }
    void sync(const delta::Progress& now) {
        if (::fdatasync(disk_.get()) != 0) throw system_error("sync", work_.have.disk.native());
        // What was written is of no use in memory; the slot is read from the disk when it is proved.
        ::posix_fadvise(disk_.get(), static_cast<off_t>(work_.to.offset), static_cast<off_t>(work_.to.size), POSIX_FADV_DONTNEED);
        synced_ = now;
        safe_ = now.operations;
    }

    const Fd& disk_;
    const Work& work_;
    std::size_t safe_;
    std::uint64_t begun_ = 0; // bytes of the new root that are on their way to the disk
    delta::Progress synced_{};
};

} // namespace

std::optional<std::string> get(const pull::Source& source, const std::string& file, std::uint64_t most, const fs::path& scratch) {
    const bool is_directory = source.location.starts_with('/');
    const std::string url = (is_directory ? "file://" : "") + source.location + "/" + file;
    const TemporaryDirectory directory(scratch, "get-");
    const fs::path target = directory.path() / "file";
    const auto renderer = make_renderer(ProgressStyle::quiet, STDERR_FILENO);
    transfer::Downloader downloader(options_of(source), *renderer);
    const std::vector<transfer::Request> requests{{.name = file, .urls = {url}, .expected = transfer::AtMost{most}, .target = [&] { return target; }, .arrived = {}, .given_up = {}}};
    const auto result = downloader.fetch(requests, "fetching release metadata").front();
    if (const auto* failed = std::get_if<transfer::Failed>(&result)) {
        if (failed->absent()) return std::nullopt;
        throw transfer::error_of(*failed);
    }
    return read_file(target);
}

Offer look(const pull::Source& source, const Have& have, const fs::path& uki, const std::optional<ReleaseIndex>& known) {
    const ReleaseIndex index = known ? *known : read_index(source, have);
    if (!make_uki_by_delta(source, index, have, uki)) fetch_uki(source, index.uki, uki);

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

void fill(const pull::Source& source, const Work& work, const std::function<void(const Progress&)>& told) {
    const auto bytes = open_stream(source, work.stream);
    const delta::Stream stream(*bytes);
    require_wanted(stream, work);
    if (stream.header().size > work.to.size)
        throw Error(fmt::format("cannot write the new root: it has {} bytes, the slot has {}", stream.header().size, work.to.size), "install the node again, with a larger layout");
    const Fd disk = open_file(work.have.disk, O_RDWR);
    const FileExtent to = extent(disk, work.to, work.have.disk), old = extent(disk, work.have.root, work.have.disk);
    std::uint64_t download = stream.payload_from(work.first);
    SlotWriting writing(disk, work);
    const auto report = [&](const delta::Progress& now) {
        if (writing.came_to(now, now.operations == stream.operations().size()))
            told({writing.safe(), now.written, stream.header().size, now.fetched, download});
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
