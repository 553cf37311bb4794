#include <publish/publish.hpp>

#include <deltas/maker.hpp>
#include <deltas/packer.hpp>
#include <deltas/plan.hpp>
#include <delta/writer.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <signing/digest.hpp>
#include <signing/source.hpp>

#include <fmt/format.h>

namespace ashlar::publish {

namespace fs = std::filesystem;

namespace {

constexpr int uki_level = 19;

PublishedFile copied(const fs::path& from, const fs::path& to) {
    const fs::path part = to / (from.filename().native() + ".part"), name = to / from.filename();
    fs::copy_file(from, part, fs::copy_options::overwrite_existing);
    fs::rename(part, name);
    return {from.filename().native(), fs::file_size(name)};
}

// Made beside the image, then moved: what was made already is made again, it might be of another build.
PublishedStream stream(const Order& order, const deltas::Image* old, Renderer& renderer) {
    using Kind = deltas::Order::Kind;
    const deltas::Order made{.kind = old == nullptr ? Kind::full : Kind::delta, .old = old, .now = order.now, .budget = {}};
    (void)deltas::make(made, renderer);
    const fs::path file = deltas::output_of(made);
    PublishedStream published{.from = old == nullptr ? std::nullopt : std::optional(old->root_hash()), .file = copied(file, order.to)};
    fs::remove(file);
    return published;
}

Bytes padded(const fs::path& file) {
    Bytes bytes = read_bytes(file);
    bytes.resize(round_up(bytes.size(), delta::block_size));
    return bytes;
}

fs::path uki_of(const deltas::Image& image) { return image.base().native() + ".efi"; }

// Kernel and initrd are often the same: what is left are names and signatures.
PublishedStream uki_delta(const Order& order, const deltas::Image& image, Renderer& renderer) {
    const Bytes old = padded(uki_of(image)), now = padded(uki_of(order.now));
    const auto& manifest = order.now.manifest();
    const fs::path file = order.to / fmt::format("ashlar_{}_{}-{}_{}.efi.delta", manifest.role, image.manifest().release, manifest.release, manifest.architecture);
    fs::remove(file);
    delta::Writer writer(file, {.old = delta::Old{sha256(old), old.size()}, .root_hash = sha256(now), .size = now.size(), .verity = {Guid(Guid::Bytes{}), {}}});
    const auto plan = deltas::plan({old, {}}, {now, {}});
    deltas::pack(old, now, plan.pieces, uki_level, renderer, [&](const deltas::Piece& piece, const Digest& result, ByteView payload) {
        writer.add({.kind = piece.kind, .offset = piece.made.offset, .size = piece.made.size, .old_offset = piece.old.offset, .old_size = piece.old.size, .result = result}, payload);
    });
    writer.finish(std::nullopt);
    return {sha256_of_file(uki_of(image)), {file.filename().native(), fs::file_size(file)}};
}

} // namespace

ReleaseIndex publish(const Order& order, Renderer& renderer) {
    const evidence::Manifest& manifest = order.now.manifest();
    const fs::path uki = uki_of(order.now);
    fs::create_directories(order.to);
    ReleaseIndex index{.role = manifest.role,
                       .release = manifest.release,
                       .architecture = manifest.architecture,
                       .root_hash = manifest.root_hash,
                       .root_size = order.now.side().bytes.size(),
                       .uki = copied(uki, order.to),
                       .uki_digest = sha256_of_file(uki),
                       .test = order.audience == Order::Audience::test};
    index.streams.push_back(stream(order, nullptr, renderer));
    for (const auto* old : order.olds) {
        index.streams.push_back(stream(order, old, renderer));
        index.uki_deltas.push_back(uki_delta(order, *old, renderer));
    }
    write_file(order.to / release_index_name(index.role, index.architecture), release_index_text(index), 0644, Durability::synced);
    return index;
}

} // namespace ashlar::publish
