#include <delta/application.hpp>

#include <delta/compression.hpp>

#include "layout.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace ashlar::delta {

namespace {

Refused wrong(const Operation& operation, std::string_view cause) {
    return Refused(fmt::format("cannot make bytes {} to {} of the new root: {}", operation.offset,
                               operation.offset + operation.size, cause));
}

} // namespace

struct Decoder::State {
    Decompressor decompressor;
    Bytes made = Bytes(piece_limit);
};

Decoder::Decoder() : state_(std::make_unique<State>()) {}
Decoder::~Decoder() = default;

ByteView Decoder::result(const Operation& operation, ByteView payload, ByteView old) {
    const auto made = std::span(state_->made).first(operation.size);
    switch (operation.kind) {
    case Kind::zero: std::ranges::fill(made, std::byte{0}); return made;
    case Kind::copy: std::ranges::copy(old, made.begin()); break;
    case Kind::patch:
    case Kind::data:
        if (const std::string fault = state_->decompressor.unpack(payload, old, made); !fault.empty())
            throw wrong(operation, fmt::format("its payload cannot be unpacked: {}", fault));
    }
    if (sha256(made) != operation.result) throw wrong(operation, "the result has another digest");
    return made;
}

namespace {

// Payloads are read many at once: a request costs a round trip, memory is bounded.
constexpr std::uint64_t window_size = payload_limit(piece_limit);
// What lies between two wanted payloads and is read with them, since a request of its own costs more.
constexpr std::uint64_t gap_limit = 8U << 10U;

class Payloads {
public:
    // `plan` nothing: all are wanted.
    Payloads(const Stream& stream, const BlockPlan* plan) : stream_(stream), plan_(plan) {}

    ByteView of(std::size_t index) {
        const Operation& operation = stream_.operations()[index];
        if (operation.payload_size == 0) return {};
        if (operation.payload_offset < start_ || operation.payload_offset + operation.payload_size > start_ + size_) fill(index);
        return ByteView(buffer_).subspan(operation.payload_offset - start_, operation.payload_size);
    }
    [[nodiscard]] std::uint64_t fetched() const noexcept { return fetched_; }

private:
    [[nodiscard]] bool wanted(std::size_t index) const {
        return stream_.operations()[index].payload_size > 0 && (plan_ == nullptr || !plan_->found(index));
    }

    // From this operation's payload to the end of the last one that is wanted, near and fits.
    void fill(std::size_t index) {
        const auto operations = stream_.operations();
        start_ = operations[index].payload_offset;
        std::uint64_t end = start_ + operations[index].payload_size;
        for (std::size_t i = index + 1; i < operations.size(); ++i) {
            if (!wanted(i)) continue;
            const Operation& next = operations[i];
            if (next.payload_offset - end > gap_limit || next.payload_offset + next.payload_size - start_ > window_size) break;
            end = next.payload_offset + next.payload_size;
        }
        size_ = 0; // a failure leaves nothing that looks read
        buffer_.resize(end - start_);
        stream_.source().read(start_, buffer_);
        size_ = end - start_;
        fetched_ += size_;
    }

    const Stream& stream_;
    const BlockPlan* plan_;
    Bytes buffer_;
    std::uint64_t start_ = 0, size_ = 0, fetched_ = 0;
};

// What of the old root an operation needs.
class OldBytes {
public:
    explicit OldBytes(const FileExtent* old) : old_(old) {}

    ByteView of(const Operation& operation) {
        if (operation.old_size == 0) return {};
        buffer_.resize(operation.old_size);
        read_at(*old_, operation.old_offset, buffer_);
        return buffer_;
    }

    // The piece put together from single blocks; runs of neighbours are read at once.
    ByteView assembled(const Operation& operation, const BlockPlan& plan) {
        buffer_.resize(operation.size);
        const std::uint64_t first = operation.offset / block_size, count = operation.size / block_size;
        for (std::uint64_t i = 0, run = 1; i < count; i += run) {
            for (run = 1; i + run < count && plan.old_block(first + i + run) == plan.old_block(first + i) + run;) ++run;
            read_at(*old_, std::uint64_t{plan.old_block(first + i)} * block_size,
                    std::span(buffer_).subspan(i * block_size, run * block_size));
        }
        return buffer_;
    }

private:
    const FileExtent* old_;
    Bytes buffer_;
};

void check_sizes(const Stream& stream, const FileExtent* old, const FileExtent& to) {
    const Header& header = stream.header();
    if (to.size < header.size)
        throw Error(fmt::format("cannot write '{}': it has {} bytes, the new root has {}", to.name, to.size, header.size));
    if (header.old && old == nullptr) throw Refused(fmt::format("cannot use delta '{}': it needs an old root and there is none", stream.source().name()));
    if (header.old && old->size < header.old->size)
        throw Refused(fmt::format("cannot use delta '{}': it is made from a root of {} bytes, '{}' has {}", stream.source().name(),
                                  header.old->size, old->name, old->size));
}

void check_old(const Stream& full, const BlockPlan& plan, const FileExtent& old) {
    if (old.size < plan.old_size())
        throw Refused(fmt::format("cannot use delta '{}': the old hash tree is of {} bytes, '{}' has {}", full.source().name(),
                                  plan.old_size(), old.name, old.size));
}

class Application {
public:
    Application(const Stream& stream, const BlockPlan* plan, const FileExtent* old, const FileExtent& to)
        : stream_(stream), plan_(plan), to_(to), payloads_(stream, plan), old_(old) {
        check_sizes(stream, old, to);
    }

    void run(std::size_t first, const Report& report) {
        const auto operations = stream_.operations();
        for (std::size_t i = first; i < operations.size(); ++i) {
            const Operation& operation = operations[i];
            write_at(to_, operation.offset, made(i));
            report({i + 1, operation.offset + operation.size, payloads_.fetched()});
        }
    }

private:
    ByteView made(std::size_t index) {
        const Operation& operation = stream_.operations()[index];
        if (plan_ != nullptr && operation.payload_size > 0 && plan_->found(index)) {
            const ByteView bytes = old_.assembled(operation, *plan_);
            if (sha256(bytes) == operation.result) return bytes;
        }
        return decoder_.result(operation, payloads_.of(index), old_.of(operation));
    }

    const Stream& stream_;
    const BlockPlan* plan_;
    const FileExtent& to_;
    Payloads payloads_;
    OldBytes old_;
    Decoder decoder_;
};

} // namespace

void apply(const Stream& stream, const std::optional<FileExtent>& old, const FileExtent& to, std::size_t first,
           const Report& report) {
    Application(stream, nullptr, old ? &*old : nullptr, to).run(first, report);
}

void apply(const Stream& full, const BlockPlan& plan, const FileExtent& old, const FileExtent& to, std::size_t first,
           const Report& report) {
    check_old(full, plan, old);
    Application(full, &plan, &old, to).run(first, report);
}

std::uint64_t BlockPlan::payload_from(const Stream& full, std::size_t first) const {
    std::uint64_t sum = 0, end = 0;
    for (std::size_t i = first; i < full.operations().size(); ++i) {
        const Operation& operation = full.operations()[i];
        if (operation.payload_size == 0 || found(i)) continue;
        if (sum > 0 && operation.payload_offset - end <= gap_limit) sum += operation.payload_offset - end;
        sum += operation.payload_size;
        end = operation.payload_offset + operation.payload_size;
    }
    return sum;
}

} // namespace ashlar::delta
