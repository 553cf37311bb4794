#include <bundle/import.hpp>

#include "layout.hpp"
#include "mirror.hpp"
#include "pending_store.hpp"

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/json.hpp>
#include <base/text.hpp>
#include <tuf/metadata.hpp>
#include <tuf/trusted.hpp>

#include <algorithm>
#include <atomic>
#include <set>

#include <fmt/format.h>

namespace ashlar::bundle {

namespace fs = std::filesystem;

namespace {

// Names, directories, what a file system wants for itself: a little for each file, and for all.
constexpr std::uint64_t room_per_file = 8192, room_for_all = std::uint64_t{4} << 20U;
constexpr std::size_t most_named = 8;

// ---- What the mirror knows before ---------------------------------------------------------------------

// The newest time that trusted files were made at: the clock may be wrong, they are not.
Time floor_of(const tuf::Store& store) {
    Time floor{};
    for (const char* role : {"root", "targets"})
        if (const auto text = store.load(role)) {
            const Json part = tuf::parse_envelope(*text, role).signed_part;
            const auto issued = part.find("x-ashlar-issued");
            if (issued != part.end() && issued->is_string()) floor = std::max(floor, tuf::time_of(issued->get<std::string>()).value_or(floor));
        }
    return floor;
}

void take_first_root(tuf::Store& store, const ImportOrder& order) {
    if (store.load("root")) return;
    if (!order.root)
        throw Error(fmt::format("cannot import into '{}': it trusts no root yet", order.mirror.native()), "give the one that you were handed: --root FILE");
    const std::string text = read_file(*order.root);
    (void)tuf::Trusted(text, order.now); // that it is a root
    store.save("root", text);
}

// A root that is given where one is trusted already must be a link of the same chain.
void check_given_root(const ImportOrder& order, const Contents& contents) {
    if (!order.root) return;
    const std::string text = read_file(*order.root);
    const auto same = [&](const MetadataFile& file) { return file.text == text; };
    const auto chain = std::span(contents.metadata).first(contents.roots);
    if (std::ranges::any_of(chain, same)) return;
    const std::string place = root_place(tuf::root_of(tuf::parse_envelope(text, order.root->native()), order.root->native()).version);
    if (const fs::path known = order.mirror / place; fs::exists(known) && read_file(known) == text) return;
    throw Error(fmt::format("cannot import into '{}': '{}' is not a root that led to the one it trusts", order.mirror.native(), order.root->native()),
                "leave --root out if you trust this mirror, or take a new directory");
}

// What was published under a name stays what it is; the manifest alone has no version in its name.
void check_published(const Mirror& mirror, const Contents& contents) {
    for (const MetadataFile& file : contents.metadata) {
        const fs::path path = mirror.path_of(file.place);
        if (&file != &contents.manifest() && fs::exists(path) && read_file(path) != file.text)
            throw Error(fmt::format("cannot import into '{}': its '{}' is another than the bundle's", mirror.directory().native(), file.place),
                        "one of both is damaged or forged; `ashlar bundle verify` judges the bundle");
    }
}

// ---- What must be there in the end ---------------------------------------------------------------------

struct Needed {
    std::vector<Item> items; // carried ones first, in their order; each place once
    std::vector<Found> found;
    std::size_t carried = 0, left = 0;
};

bool concerns(const Contents& contents, const ReleaseImage& image) { return !contents.roles || std::ranges::find(*contents.roles, image.role) != contents.roles->end(); }

std::vector<std::string> paths_of(const Contents& contents) {
    std::vector<std::string> paths;
    for (const Release& release : contents.releases) {
        for (const ReleaseImage& image : release.images)
            if (concerns(contents, image))
                for (const ReleaseFile& file : image.files) paths.push_back(release.path_of(file));
        for (const ReleaseFile& file : release.evidence) paths.push_back(release.path_of(file));
    }
    if (contents.sources) paths.insert(paths.end(), contents.sources->begin(), contents.sources->end());
    return paths;
}

// Which of the targets are not for this mirror.
std::set<std::string> left_paths(const Contents& contents, const ImportOrder& order) {
    if (order.sources == ImportOrder::Sources::taken || !contents.sources) return {};
    return {contents.sources->begin(), contents.sources->end()};
}

Needed needed(Reader& reader, const Contents& contents, const Mirror& mirror, const ImportOrder& order) {
    Needed all{.items = contents.targets, .found = {}, .carried = 0};
    std::set<std::string> known = left_paths(contents, order);
    all.left = std::erase_if(all.items, [&](const Item& item) { return known.contains(item.path); });
    all.carried = all.items.size();
    for (const Item& item : all.items) known.insert(item.path);
    for (const std::string& path : paths_of(contents)) {
        if (!known.insert(path).second) continue;
        auto item = reader.find(path);
        if (!item) throw Error(fmt::format("cannot import serial {} of train {}: its release names '{}', which no role that is trusted has", contents.serial, contents.train, path));
        all.items.push_back(std::move(*item));
    }
    all.found = mirror.survey(all.items);
    return all;
}

std::string naming(const std::vector<std::string>& names) {
    const std::size_t shown = std::min(names.size(), most_named);
    std::string text;
    for (std::size_t i = 0; i < shown; ++i) text += fmt::format("{}'{}'", i == 0 ? "" : ", ", names[i]);
    return names.size() > shown ? fmt::format("{} and {} more", text, names.size() - shown) : text;
}

void check_missing(const Needed& all, const ImportOrder& order) {
    std::vector<std::string> missing;
    for (std::size_t i = all.carried; i < all.items.size(); ++i)
        if (all.found[i].presence == Presence::missing || all.found[i].presence == Presence::damaged) missing.push_back(all.items[i].path);
    if (missing.empty()) return;
    throw Error(fmt::format("cannot import into '{}': the bundle does not carry what it should have already: {}", order.mirror.native(), naming(missing)),
                "it was made for a site with a later release: import that first, or ask for a bundle with everything");
}

bool arrives(const Found& found) { return found.presence == Presence::missing || found.presence == Presence::damaged; }

void check_room(const Needed& all, const Contents& contents, const Mirror& mirror) {
    std::uint64_t bytes = room_for_all;
    for (const MetadataFile& file : contents.metadata) bytes += file.text.size() + room_per_file;
    for (std::size_t i = 0; i < all.items.size(); ++i)
        if (all.found[i].presence != Presence::here) bytes += room_per_file + (arrives(all.found[i]) ? all.items[i].length : 0);
    const std::uint64_t room = mirror.room();
    if (bytes > room)
        throw Error(fmt::format("cannot import into '{}': it needs {}, and {} are free", mirror.directory().native(), human_bytes(bytes), human_bytes(room)),
                    "make room, or take a directory on another file system");
}

// ---- What arrives --------------------------------------------------------------------------------------

class Arrivals final : public Receiver {
public:
    Arrivals(Mirror& mirror, const Needed& all) : mirror_(mirror) {
        for (std::size_t i = 0; i < all.carried; ++i)
            if (arrives(all.found[i])) wanted_.insert(all.items[i].place);
    }
    bool wants(const Item& item) const override { return wanted_.contains(item.place); }
    std::unique_ptr<Sink> begin(const Item& item) override { return mirror_.begin(item); }

private:
    Mirror& mirror_;
    std::set<std::string, std::less<>> wanted_;
};

bool is_published(const Mirror& mirror, const MetadataFile& file) {
    const fs::path path = mirror.path_of(file.place);
    return fs::exists(path) && read_file(path) == file.text;
}

// What let it pass here lets it pass on nodes, which judge for themselves.
std::optional<MetadataFile> word_to_publish(const Contents& contents, const ImportOrder& order) {
    if (!contents.stale) return std::nullopt;
    return MetadataFile{"metadata/" + stale_media_name(contents.train), order.stale_media->text};
}

bool changes_nothing(const Mirror& mirror, const Contents& contents, const std::optional<MetadataFile>& word, const Needed& all, const PendingStore& learned) {
    if (word && !is_published(mirror, *word)) return false;
    const auto here = [](const Found& found) { return found.presence == Presence::here; };
    const auto published = [&](const MetadataFile& file) { return is_published(mirror, file); };
    return std::ranges::all_of(all.found, here) && std::ranges::all_of(contents.metadata, published) && learned.changed().empty();
}

void share(Mirror& mirror, const Needed& all) {
    for (std::size_t i = 0; i < all.items.size(); ++i)
        if (all.found[i].presence == Presence::elsewhere) mirror.share(all.found[i].source, all.items[i]);
}

std::string log_line(const ImportReport& report, Time now) {
    Json line{{"time", tuf::text_of(now)}, {"train", report.contents.train}, {"serial", report.contents.serial}, {"arrived", report.arrived}};
    for (const Release& release : report.contents.releases) line["releases"].push_back(release.release);
    if (report.contents.stale)
        line["stale"] = {{"site", report.contents.stale->site},
                         {"reason", report.contents.stale->reason},
                         {"issued", tuf::text_of(report.contents.stale->issued)},
                         {"expires", tuf::text_of(report.contents.stale->expires)},
                         {"bundle_expired", tuf::text_of(report.contents.expires)}};
    return line.dump() + "\n";
}

// What was verified is remembered first, so that nobody goes back behind what becomes visible; then come the files that nothing
// names, then the chain, then by one rename the manifest. A word that lets it pass is there before it.
void publish(Mirror& mirror, const Contents& contents, const std::optional<MetadataFile>& word, PendingStore& learned) {
    for (const std::string& role : learned.changed()) {
        mirror.disk().tell("save", mirror.trusted() / (role + ".json"));
        learned.commit(role);
    }
    const auto chain = std::span(contents.metadata).first(contents.roots), named = std::span(contents.metadata).subspan(contents.roots + 1);
    for (const MetadataFile& file : named) mirror.put_metadata(file);
    for (const MetadataFile& file : chain) mirror.put_metadata(file);
    if (word) mirror.put_metadata(*word);
    mirror.sync_metadata();
    mirror.put_metadata(contents.manifest());
    mirror.sync_metadata();
}

ImportReport report_of(const Contents& contents, const Needed& all) {
    ImportReport report{.contents = contents, .left = all.left};
    for (std::size_t i = 0; i < all.items.size(); ++i) {
        const Presence presence = all.found[i].presence;
        report.present += presence == Presence::here ? 1U : 0U;
        report.shared += presence == Presence::elsewhere ? 1U : 0U;
        if (presence == Presence::damaged) report.repaired.push_back(all.items[i].path);
        if (!arrives(all.found[i])) continue;
        ++report.arrived;
        report.arrived_bytes += all.items[i].length;
    }
    return report;
}

void learn_roots(Mirror& mirror, PendingStore& learned) {
    const auto changed = learned.changed();
    if (std::ranges::find(changed, "root") == changed.end()) return;
    mirror.disk().tell("save", mirror.trusted() / "root.json");
    learned.commit("root");
}

} // namespace

ImportReport import(Input& input, const ImportOrder& order, Renderer& renderer) {
    Mirror mirror(order.mirror, Disk(order.before));
    tuf::DirectoryStore trusted(mirror.trusted());
    PendingStore learned(trusted);
    take_first_root(learned, order);
    const Time now = std::max(order.now, floor_of(learned));
    Reader reader(input, learned, {.now = now, .stale_media = order.stale_media});
    const Contents& contents = reader.read_contents();
    check_given_root(order, contents);
    check_published(mirror, contents);

    const Needed all = needed(reader, contents, mirror, order);
    check_missing(all, order);
    check_room(all, contents, mirror);
    ImportReport report = report_of(contents, all);
    Arrivals arrivals(mirror, all);
    const auto word = word_to_publish(contents, order);
    if (changes_nothing(mirror, contents, word, all, learned)) {
        reader.read_targets(&arrivals, renderer); // the bundle's frame, and that nothing follows
        mirror.remove_incoming();                 // of a run that was killed at its very end
        return report;
    }

    report.change = ImportReport::Change::made;
    learn_roots(mirror, learned);
    mirror.make_incoming();
    reader.read_targets(&arrivals, renderer);
    share(mirror, all);
    mirror.sync_targets(all.items);
    mirror.log(log_line(report, now));
    publish(mirror, contents, word, learned);
    mirror.remove_incoming();
    return report;
}

Contents verify(Input& input, std::string_view root, ReaderOptions options, Renderer& renderer) {
    MemoryStore store;
    store.save("root", root);
    Reader reader(input, store, std::move(options));
    Contents contents = reader.read_contents();
    reader.read_targets(nullptr, renderer);
    return contents;
}

Contents contents_of(Input& input, std::string_view root, ReaderOptions options) {
    MemoryStore store;
    store.save("root", root);
    return Reader(input, store, std::move(options)).read_contents();
}

Contents contents_by_its_own_word(Input& input, ReaderOptions options) {
    MemoryStore store;
    options.first_root = ReaderOptions::FirstRoot::own;
    return Reader(input, store, std::move(options)).read_contents();
}

std::optional<std::string> trusted_root(const fs::path& mirror) { return tuf::DirectoryStore(mirror / "trusted").load("root"); }

} // namespace ashlar::bundle
