#pragma once

// Where the documents of an image's packages are looked up: in the image itself, in the packages in the
// store. A document may be a link to that of another package of the same source; it is followed.

#include <archive/deb.hpp>
#include <evidence/manifest.hpp>
#include <store/store.hpp>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace ashlar::documents {

// What a package has in /usr/share/doc/<package>, as far as it is asked for here.
struct PackageDocuments {
    // By name without ".gz", decompressed: "copyright", "changelog", "changelog.Debian",
    // "changelog.Debian.<architecture>".
    std::map<std::string, std::string> texts;
    // The same names, and "" for the directory itself → the path from the root that it leads to.
    std::map<std::string, std::string> links;
    // /usr/share/common-licenses/<name>, where the package brings them; links are in `licence_links`.
    std::map<std::string, std::string> licences, licence_links;

    [[nodiscard]] bool empty() const noexcept { return texts.empty() && links.empty() && licences.empty(); }
};

// Takes entries of a package or of an image that are of the documents of `package`; the rest is nothing
// to it.
class Collector {
public:
    explicit Collector(std::string package) : package_(std::move(package)) {}

    // Whether the contents of the file at this path, from the root and without leading slash, are wanted.
    [[nodiscard]] bool wants(std::string_view path) const;
    void file(std::string_view path, std::string_view contents); // decompresses
    void link(std::string_view path, std::string_view target);   // target as it is
    [[nodiscard]] PackageDocuments take() && { return std::move(documents_); }

private:
    std::string package_;
    PackageDocuments documents_;
};

// Reads data.tar once. Error on a package that is damaged.
[[nodiscard]] PackageDocuments documents_of(const archive::Deb& deb, const std::string& package);

// Nothing: it does not have this package.
using Shelf = std::function<std::optional<PackageDocuments>(const evidence::ManifestPackage& package)>;

// Packages in the store, by their digests. `store` outlives it.
[[nodiscard]] Shelf shelf_of(const store::Store& store);

struct Document {
    std::string text;
    std::string package; // where it lies
};
// Why there is none: "no 'copyright' in the package".
struct Absence {
    std::string reason;
};

class Library {
public:
    // Shelves are asked in their order; the first that has something of a package counts.
    Library(std::vector<evidence::ManifestPackage> packages, std::vector<Shelf> shelves);

    [[nodiscard]] const std::vector<evidence::ManifestPackage>& packages() const noexcept { return packages_; }

    // The first of `names` that the package has.
    [[nodiscard]] std::variant<Document, Absence> find(const evidence::ManifestPackage& package, const std::vector<std::string>& names);
    // A text of /usr/share/common-licenses that some package brings.
    [[nodiscard]] std::optional<std::string> common_licence(const std::string& name);
    // Reads all packages, on all processors; `advance(done)` is told how many are read.
    void read_all(const std::function<void(std::size_t done)>& advance);

private:
    using Shelved = std::variant<PackageDocuments, Absence>;
    [[nodiscard]] Shelved fetch(const evidence::ManifestPackage& package) const;
    const Shelved& shelved(const evidence::ManifestPackage& package);
    [[nodiscard]] const evidence::ManifestPackage* sibling(const evidence::ManifestPackage& package, std::string_view name) const;

    std::vector<evidence::ManifestPackage> packages_;
    std::vector<Shelf> shelves_;
    std::map<Digest, Shelved> read_;
};

} // namespace ashlar::documents
