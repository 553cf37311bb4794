// An operation file that somebody else may have written, applied: an Error or a root, nothing else. Digests
// that no fuzzer would find are set right first.

#include <delta/application.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <signing/bytes.hpp>
#include <signing/digest.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <sys/mman.h>
#include <unistd.h>

namespace {

using namespace ashlar;

constexpr std::size_t head_size = 512, covered = 480, at_table_size = 120, at_table_digest = 144;
constexpr std::uint64_t largest = 8U << 20U;

class MemorySource final : public Source {
public:
    explicit MemorySource(Bytes bytes) : bytes_(std::move(bytes)) {}
    std::uint64_t size() override { return bytes_.size(); }
    void read(std::uint64_t offset, std::span<std::byte> out) override {
        if (offset > bytes_.size() || out.size() > bytes_.size() - offset) __builtin_trap(); // a bound was missed
        std::ranges::copy(ByteView(bytes_).subspan(offset, out.size()), out.begin());
    }
    std::string name() const override { return "input"; }

private:
    Bytes bytes_;
};

FileExtent memory(const Fd& file, std::uint64_t size) {
    if (::ftruncate(file.get(), static_cast<off_t>(size)) != 0) throw system_error("create", "memory");
    return {file.get(), 0, size, "memory"};
}

Bytes sealed(ByteView input) {
    Bytes bytes(input.begin(), input.end());
    if (bytes.size() < head_size) return bytes;
    const std::uint64_t table = *little_endian_at<std::uint64_t>(bytes, at_table_size);
    if (table <= bytes.size() - head_size)
        std::ranges::copy(sha256(ByteView(bytes).subspan(head_size, table)).bytes(), bytes.begin() + at_table_digest);
    std::ranges::copy(sha256(ByteView(bytes).first(covered)).bytes(), bytes.begin() + covered);
    return bytes;
}

void use(Bytes bytes) {
    MemorySource source(std::move(bytes));
    const delta::Stream stream(source);
    const std::uint64_t old_size = stream.header().old ? stream.header().old->size : largest;
    if (stream.header().size > largest || old_size > largest) return;
    const Fd old_file(::memfd_create("old", MFD_CLOEXEC)), new_file(::memfd_create("new", MFD_CLOEXEC));
    const FileExtent old = memory(old_file, old_size), to = memory(new_file, stream.header().size);
    delta::Decoder decoder;
    for (const delta::Operation& operation : stream.operations()) {
        Bytes payload(operation.payload_size), looked_at(operation.old_size);
        if (operation.payload_size > 0) source.read(operation.payload_offset, payload);
        try {
            (void)decoder.result(operation, payload, looked_at);
        } catch (const delta::Refused&) { // the digest of a result is hard to guess
        }
    }
    (void)delta::plan_blocks(stream, old);
    delta::apply(stream, old, to, 0, [](const delta::Progress&) {});
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView input = std::as_bytes(std::span(data, size));
    for (Bytes bytes : {Bytes(input.begin(), input.end()), sealed(input)})
        try {
            use(std::move(bytes));
        } catch (const Error&) { // the expected answer to nonsense
        }
    return 0;
}
