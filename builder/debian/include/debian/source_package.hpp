#pragma once

// Source packages as Sources and .dsc files describe them (Debian Policy 5.4 and 5.6.21; deb822).

#include <debian/control.hpp>

#include <signing/digest.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::debian {

struct SourceFile {
    std::string name;       // without '/'
    std::uint64_t size = 0; // bytes
    Digest sha256;
    bool operator==(const SourceFile&) const = default;
};

struct SourcePackage {
    std::string name, version;
    std::string directory; // below the archive's root; empty: the root itself, or nobody says
    std::vector<SourceFile> files;
    bool operator==(const SourcePackage&) const = default;
};

// Of a paragraph of Sources, whose name is in `Package`, or of a .dsc, where it is in `Source`. Errors point into the file:
// without a version or Checksums-Sha256, or with a name or directory that leaves its place.
[[nodiscard]] SourcePackage read_source_package(const Paragraph& paragraph, const ControlReader& where);

// What is signed of a .dsc (RFC 9580, 7: cleartext framework), or all of a text that has no signature. The signature is not
// checked: whoever trusts the file does so for another reason.
[[nodiscard]] std::string signed_part(std::string_view dsc);

// "name (version)", as the field Source has it; both default to the binary package's own.
struct SourceName {
    std::string_view name, version;
};
[[nodiscard]] SourceName source_name(std::string_view field, std::string_view package, std::string_view version);

// A source package with which another package was built, all of it or a part.
struct BuiltFrom {
    std::string name, version;
    auto operator<=>(const BuiltFrom&) const = default;
};
// What a binary package's control file says: `own` is its own source package; `others` are those of Built-Using and
// Static-Built-Using, sorted, each once. Error when one of those has no exact version.
struct Origins {
    BuiltFrom own;
    std::vector<BuiltFrom> others;
};
[[nodiscard]] Origins origins_of(const Paragraph& binary, const ControlReader& where);

} // namespace ashlar::debian
