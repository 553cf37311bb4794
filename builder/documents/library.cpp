#include <documents/library.hpp>

#include <archive/compression.hpp>
#include <base/error.hpp>
#include <base/parallel.hpp>
#include <base/text.hpp>

#include <algorithm>
#include <filesystem>
#include <fcntl.h>
#include <mutex>

#include <fmt/format.h>

namespace ashlar::documents {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view documents_directory = "usr/share/doc/", licences_directory = "usr/share/common-licenses/";
constexpr unsigned most_links = 4;

std::string_view without_gz(std::string_view name) { return name.ends_with(".gz") ? name.substr(0, name.size() - 3) : name; }

bool is_document(std::string_view name) { return name == "copyright" || name == "changelog" || name.starts_with("changelog.Debian"); }

// What follows the directory; nothing when the path is not directly in it.
std::optional<std::string_view> name_in(std::string_view path, std::string_view directory) {
    if (!path.starts_with(directory)) return std::nullopt;
    const std::string_view name = path.substr(directory.size());
    return name.empty() || name.find('/') != name.npos ? std::nullopt : std::optional(name);
}

// From the root, without leading slash.
std::string resolved(std::string_view path, std::string_view target) {
    const fs::path whole = target.starts_with('/') ? fs::path(target.substr(1)) : fs::path(path).parent_path() / target;
    return whole.lexically_normal().native();
}

// usr/share/doc/<package>[/<name>]
struct Place {
    std::string package, name;
};
std::optional<Place> place_of(std::string_view path) {
    if (!path.starts_with(documents_directory)) return std::nullopt;
    const std::string_view rest = path.substr(documents_directory.size());
    const std::size_t slash = rest.find('/');
    if (slash == rest.npos) return Place{std::string(rest), {}};
    return Place{std::string(rest.substr(0, slash)), std::string(without_gz(rest.substr(slash + 1)))};
}

class DebCollector : public archive::DataVisitor {
public:
    explicit DebCollector(const std::string& package) : collector_(package) {}

    void entry(const archive::DebEntry& entry) override {
        finish_file();
        if (entry.type == archive::DebEntryType::symlink) collector_.link(entry.path, entry.target);
        // A hard link's target is a path from the root.
        if (entry.type == archive::DebEntryType::hard_link) collector_.link(entry.path, "/" + entry.target);
        if (entry.type == archive::DebEntryType::file && collector_.wants(entry.path)) wanted_ = entry.path;
    }
    void contents(std::span<const std::byte> bytes) override {
        if (!wanted_.empty()) text_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    }
    PackageDocuments take() && {
        finish_file();
        return std::move(collector_).take();
    }

private:
    void finish_file() {
        if (!wanted_.empty()) collector_.file(wanted_, text_);
        wanted_.clear();
        text_.clear();
    }

    Collector collector_;
    std::string wanted_, text_;
};

// Where to go on: the first of `names` decides, then the directory as a whole.
const std::string* link_of(const PackageDocuments& documents, const std::vector<std::string>& names) {
    for (const auto& name : names) {
        if (documents.texts.contains(name)) return nullptr;
        if (const auto link = documents.links.find(name); link != documents.links.end()) return &link->second;
    }
    const auto directory = documents.links.find("");
    return directory == documents.links.end() ? nullptr : &directory->second;
}

Absence nothing_named(const std::vector<std::string>& names) { return {fmt::format("no '{}' in the package", names.front())}; }

} // namespace

bool Collector::wants(std::string_view path) const {
    if (name_in(path, licences_directory)) return true;
    const auto name = name_in(path, fmt::format("{}{}/", documents_directory, package_));
    return name && is_document(without_gz(*name));
}

void Collector::file(std::string_view path, std::string_view contents) {
    if (!wants(path)) return;
    std::string text = path.ends_with(".gz") ? archive::decompress(std::as_bytes(std::span(contents)), path) : std::string(contents);
    if (const auto licence = name_in(path, licences_directory))
        documents_.licences.emplace(*licence, std::move(text));
    else
        documents_.texts.emplace(without_gz(path.substr(path.rfind('/') + 1)), std::move(text));
}

void Collector::link(std::string_view path, std::string_view target) {
    if (const auto licence = name_in(path, licences_directory))
        documents_.licence_links.emplace(*licence, fs::path(resolved(path, target)).filename().native());
    else if (path == fmt::format("{}{}", documents_directory, package_))
        documents_.links.emplace("", resolved(path, target));
    else if (wants(path))
        documents_.links.emplace(without_gz(path.substr(path.rfind('/') + 1)), resolved(path, target));
}

PackageDocuments documents_of(const archive::Deb& deb, const std::string& package) {
    DebCollector collector(package);
    deb.read_data(collector);
    return std::move(collector).take();
}

Shelf shelf_of(const store::Store& store) {
    return [&store](const evidence::ManifestPackage& package) -> std::optional<PackageDocuments> {
        const auto blob = store.find(package.sha256);
        if (!blob) return std::nullopt;
        return documents_of(archive::Deb(open_file(*blob, O_RDONLY), fmt::format("{} {}", package.name, package.version)), package.name);
    };
}

Library::Library(std::vector<evidence::ManifestPackage> packages, std::vector<Shelf> shelves) : packages_(std::move(packages)), shelves_(std::move(shelves)) {}

Library::Shelved Library::fetch(const evidence::ManifestPackage& package) const {
    try {
        bool known = false;
        for (const Shelf& shelf : shelves_) {
            auto found = shelf(package);
            if (found && !found->empty()) return std::move(*found);
            known = known || found.has_value();
        }
        return Absence{known ? "the package has no documents" : "neither its .deb is in the store nor its documents are in the image"};
    } catch (const Error& error) {
        return Absence{error.message()};
    }
}

const Library::Shelved& Library::shelved(const evidence::ManifestPackage& package) {
    const auto found = read_.find(package.sha256);
    return found != read_.end() ? found->second : read_.emplace(package.sha256, fetch(package)).first->second;
}

void Library::read_all(const std::function<void(std::size_t done)>& advance) {
    std::mutex mutex;
    std::size_t done = 0;
    in_parallel(packages_.size(), [&](std::size_t i) {
        Shelved documents = fetch(packages_[i]);
        const std::lock_guard lock(mutex);
        read_.emplace(packages_[i].sha256, std::move(documents));
        advance(++done);
    });
}

// Debian Policy 12.3: a link leads to a package of the same source on which it depends.
const evidence::ManifestPackage* Library::sibling(const evidence::ManifestPackage& package, std::string_view name) const {
    const auto found = std::ranges::find_if(packages_, [&](const auto& other) { return other.name == name && other.source == package.source; });
    return found == packages_.end() ? nullptr : &*found;
}

std::variant<Document, Absence> Library::find(const evidence::ManifestPackage& package, const std::vector<std::string>& names) {
    const evidence::ManifestPackage* at = &package;
    std::vector<std::string> wanted = names;
    for (unsigned followed = 0; followed < most_links; ++followed) {
        const Shelved& found = shelved(*at);
        if (const auto* absence = std::get_if<Absence>(&found)) return *absence;
        const auto& documents = std::get<PackageDocuments>(found);
        const std::string* link = link_of(documents, wanted);
        if (link == nullptr) {
            for (const auto& name : wanted)
                if (const auto text = documents.texts.find(name); text != documents.texts.end()) return Document{text->second, at->name};
            return nothing_named(names);
        }
        const auto place = place_of(*link);
        at = place ? sibling(package, place->package) : nullptr;
        if (at == nullptr) return Absence{fmt::format("its documents are a link to '/{}', which no package of its source in the image has", *link)};
        if (!place->name.empty()) wanted = {place->name};
    }
    return Absence{"its documents are links without an end"};
}

std::optional<std::string> Library::common_licence(const std::string& name) {
    for (const auto& package : packages_) {
        const auto* documents = std::get_if<PackageDocuments>(&shelved(package));
        if (documents == nullptr) continue;
        std::string wanted = name;
        if (const auto link = documents->licence_links.find(name); link != documents->licence_links.end()) wanted = link->second;
        if (const auto text = documents->licences.find(wanted); text != documents->licences.end()) return text->second;
    }
    return std::nullopt;
}

} // namespace ashlar::documents
