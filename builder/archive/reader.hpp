#pragma once

// libarchive's reader with our ownership and errors. Private to the module.

#include <base/error.hpp>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <archive.h>
#include <archive_entry.h>

namespace ashlar::archive {

struct FreeReader {
    void operator()(struct ::archive* reader) const noexcept { ::archive_read_free(reader); }
};
using Reader = std::unique_ptr<struct ::archive, FreeReader>;

// A reader that knows our compressions (bidding by content) and no format yet.
[[nodiscard]] Reader make_reader();

// Throws `cannot <verb> '<name>': <what libarchive says>`.
[[noreturn]] void fail(struct ::archive* reader, std::string_view verb, std::string_view name);

} // namespace ashlar::archive
