#include "reader.hpp"

#include <fmt/format.h>

namespace ashlar::archive {

Reader make_reader() {
    Reader reader(::archive_read_new());
    if (!reader) throw Error("cannot start 'libarchive': out of memory");
    ::archive_read_support_filter_gzip(reader.get());
    ::archive_read_support_filter_xz(reader.get());
    ::archive_read_support_filter_lzma(reader.get());
    ::archive_read_support_filter_zstd(reader.get());
    ::archive_read_support_filter_bzip2(reader.get());
    return reader;
}

void fail(struct ::archive* reader, std::string_view verb, std::string_view name) {
    const char* reason = ::archive_error_string(reader);
    throw Error(fmt::format("cannot {} '{}': {}", verb, name, reason != nullptr ? reason : "damaged data"));
}

} // namespace ashlar::archive
