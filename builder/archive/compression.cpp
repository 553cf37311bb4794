#include <archive/compression.hpp>

#include "new_file.hpp"
#include "reader.hpp"

#include <base/file.hpp>

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>
#include <zstd.h>

namespace ashlar::archive {

namespace fs = std::filesystem;

namespace {

Compression compression_of(struct ::archive* reader) {
    switch (::archive_filter_code(reader, 0)) {
    case ARCHIVE_FILTER_GZIP: return Compression::gzip;
    case ARCHIVE_FILTER_XZ: return Compression::xz;
    case ARCHIVE_FILTER_ZSTD: return Compression::zstd;
    case ARCHIVE_FILTER_BZIP2: return Compression::bzip2;
    case ARCHIVE_FILTER_LZMA: return Compression::lzma;
    default: return Compression::none;
    }
}

// libarchive's "raw" format: one entry, whose data is the decompressed stream.
Reader raw_reader() {
    Reader reader = make_reader();
    ::archive_read_support_format_raw(reader.get());
    ::archive_read_support_format_empty(reader.get());
    return reader;
}

// `sink` is given what comes out of the opened stream, piece by piece; returns how much that was.
template <typename Sink>
std::uint64_t read_raw(struct ::archive* reader, std::string_view name, std::uint64_t limit, Sink sink) {
    struct ::archive_entry* entry = nullptr;
    int status = ::archive_read_next_header(reader, &entry);
    std::uint64_t size = 0;
    while (status == ARCHIVE_OK) {
        const void* data = nullptr;
        std::size_t length = 0;
        la_int64_t offset = 0;
        status = ::archive_read_data_block(reader, &data, &length, &offset);
        if (status != ARCHIVE_OK) break;
        size += length;
        if (size > limit) throw Error(fmt::format("cannot decompress '{}': more than {} bytes come out", name, limit));
        sink(std::span(static_cast<const std::byte*>(data), length));
    }
    if (status != ARCHIVE_EOF) fail(reader, "decompress", name);
    return size;
}

} // namespace

Decompressed decompress_file(const fs::path& from, const fs::path& to, std::uint64_t limit) {
    const Reader reader = raw_reader();
    if (::archive_read_open_filename(reader.get(), from.c_str(), 1 << 18) != ARCHIVE_OK)
        fail(reader.get(), "decompress", from.native());
    NewFile out(to);
    Hasher hasher;
    const std::uint64_t size = read_raw(reader.get(), from.native(), limit, [&](std::span<const std::byte> bytes) {
        hasher.update(bytes);
        out.write(bytes);
    });
    out.finish();
    return {compression_of(reader.get()), size, hasher.finish()};
}

std::string decompress(std::span<const std::byte> bytes, std::string_view name, std::uint64_t limit) {
    const Reader reader = raw_reader();
    if (::archive_read_open_memory(reader.get(), bytes.data(), bytes.size()) != ARCHIVE_OK)
        fail(reader.get(), "decompress", name);
    std::string text;
    read_raw(reader.get(), name, limit, [&](std::span<const std::byte> piece) { text.append(reinterpret_cast<const char*>(piece.data()), piece.size()); });
    return text;
}

namespace {

struct FreeCompressor {
    void operator()(ZSTD_CCtx* context) const noexcept { ZSTD_freeCCtx(context); }
};

std::size_t checked(std::size_t result, const fs::path& from) {
    if (ZSTD_isError(result) != 0)
        throw Error(fmt::format("cannot compress '{}': {}", from.native(), ZSTD_getErrorName(result)));
    return result;
}

std::uint64_t size_of(int fd, const fs::path& path) {
    struct stat info {};
    if (::fstat(fd, &info) != 0) throw system_error("read", path.native());
    return static_cast<std::uint64_t>(info.st_size);
}

} // namespace

void compress_zstd(const fs::path& from, const fs::path& to, int level, unsigned threads) {
    const Fd in = open_file(from, O_RDONLY);
    if (threads == 0) threads = std::max(1U, std::thread::hardware_concurrency());
    const std::unique_ptr<ZSTD_CCtx, FreeCompressor> context(ZSTD_createCCtx());
    const auto set = [&](ZSTD_cParameter parameter, int value) {
        checked(ZSTD_CCtx_setParameter(context.get(), parameter, value), from);
    };
    set(ZSTD_c_compressionLevel, level);
    set(ZSTD_c_checksumFlag, 1);
    // One worker or many cut the input alike; no worker at all is another algorithm with other bytes.
    set(ZSTD_c_nbWorkers, static_cast<int>(threads));
    checked(ZSTD_CCtx_setPledgedSrcSize(context.get(), size_of(in.get(), from)), from);

    NewFile out(to);
    std::vector<std::byte> source(1 << 20), target(ZSTD_CStreamOutSize());
    for (bool end = false; !end;) {
        const std::size_t got = read_some(in.get(), source, from.native());
        end = got == 0;
        ZSTD_inBuffer input{source.data(), got, 0};
        std::size_t left = 1;
        while (end ? left != 0 : input.pos < input.size) {
            ZSTD_outBuffer output{target.data(), target.size(), 0};
            left =
                checked(ZSTD_compressStream2(context.get(), &output, &input, end ? ZSTD_e_end : ZSTD_e_continue), from);
            out.write(std::span(target).first(output.pos));
        }
    }
    out.finish();
}

} // namespace ashlar::archive
