#include <deltas/maker.hpp>

#include <deltas/packer.hpp>

#include <base/error.hpp>
#include <delta/blocks.hpp>
#include <delta/writer.hpp>

#include <fmt/format.h>

namespace ashlar::deltas {

namespace fs = std::filesystem;

namespace {

// Measured: docs/guides/delta.md.
constexpr int delta_level = 19, full_level = 19;

bool is_full(const Order& order) { return order.kind == Order::Kind::full; }

delta::Header header_of(const Order& order) {
    delta::Header header{.old = std::nullopt,
                         .root_hash = order.now.root_hash(),
                         .size = order.now.side().bytes.size(),
                         .verity = order.now.verity()};
    if (!is_full(order)) header.old = delta::Old{order.old->root_hash(), order.old->side().bytes.size()};
    return header;
}

void check(const Order& order) {
    if (order.old == nullptr) return;
    const auto& old = order.old->manifest();
    const auto& now = order.now.manifest();
    const auto refuse = [&](std::string_view cause) {
        return Error(fmt::format("cannot make a delta from '{}' to '{}': {}", order.old->base().filename().native(),
                                 order.now.base().filename().native(), cause));
    };
    if (old.role != now.role) throw refuse("they are of different roles");
    if (old.architecture != now.architecture) throw refuse("they are of different architectures");
    if (!is_full(order) && old.root_hash == now.root_hash) throw refuse("they have the same root");
}

Subject subject_of(const Order& order) {
    return {.from = is_full(order) ? std::nullopt : std::optional(order.old->root_hash()),
            .to = order.now.root_hash(),
            .now = order.now.side(),
            .package_of = [&now = order.now](const std::string& path) { return now.package_of(path); }};
}

Plan plan_of(const Order& order) {
    return is_full(order) ? plan_full(order.now.side().bytes, full_piece) : plan(order.old->side(), order.now.side());
}

// What a node that has `old` fetches of the full file.
std::optional<std::uint64_t> bytes_of_blocks(const fs::path& full, const Image& old) {
    FileSource source(full);
    const delta::Stream stream(source);
    const auto plan = delta::plan_blocks(stream, old.tree());
    if (!plan) return std::nullopt;
    return stream.head_size() + plan->read() + plan->payload_from(stream, 0);
}

} // namespace

fs::path output_of(const Order& order) {
    const auto& now = order.now.manifest();
    const std::string name = is_full(order)
                                 ? fmt::format("ashlar_{}_{}_{}.full", now.role, now.release, now.architecture)
                                 : fmt::format("ashlar_{}_{}-{}_{}.delta", now.role, order.old->manifest().release, now.release, now.architecture);
    return order.now.base().parent_path() / name;
}

Report make(const Order& order, Renderer& renderer) {
    check(order);
    const fs::path output = output_of(order);
    const Plan plan = plan_of(order);
    const ByteView old = is_full(order) ? ByteView() : order.old->side().bytes;
    const auto tree = is_full(order) ? std::optional(order.now.tree()) : std::nullopt;
    Report report(subject_of(order));
    delta::Writer writer(output, header_of(order));
    pack(old, order.now.side().bytes, plan.pieces, is_full(order) ? full_level : delta_level, renderer,
         [&](const Piece& piece, const Digest& result, ByteView payload) {
             writer.add({.kind = piece.kind,
                         .offset = piece.made.offset,
                         .size = piece.made.size,
                         .old_offset = piece.old.offset,
                         .old_size = piece.old.size,
                         .result = result},
                        payload);
             report.add(piece, payload.size(), plan);
         });
    report.file = output.filename().native();
    report.size = writer.size(tree);
    report.tree = tree ? verity_leaf_size(order.now.side().bytes.size()) : 0;
    if (order.budget && report.size > *order.budget) return report;
    writer.finish(tree);
    if (is_full(order) && order.old != nullptr) report.blocks = bytes_of_blocks(output, *order.old);
    return report;
}

} // namespace ashlar::deltas
