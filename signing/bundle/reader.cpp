#include <bundle/reader.hpp>

#include "hash_pipe.hpp"
#include "layout.hpp"
#include "scanner.hpp"

#include <base/error.hpp>
#include <base/parallel.hpp>
#include <tuf/trusted.hpp>

#include <algorithm>
#include <atomic>
#include <map>
#include <numeric>

#include <fmt/format.h>

namespace ashlar::bundle {

namespace {

// The metadata of the bundle, as a repository.
class Carried final : public tuf::Repository {
public:
    void add(const MetadataFile& file) { files_.emplace(name_in_metadata(file.place), file.text); }
    [[nodiscard]] std::optional<std::string> find(std::string_view name) const {
        const auto found = files_.find(name);
        return found == files_.end() ? std::nullopt : std::optional(found->second);
    }
    std::optional<std::string> metadata(std::string_view name, std::uint64_t most) override {
        auto text = find(name);
        if (text && text->size() > most) throw tuf::MetadataError(tuf::Fault::endless, fmt::format("cannot take '{}': it has more than {} bytes", name, most));
        return text;
    }

private:
    std::map<std::string, std::string, std::less<>> files_;
};

// It is read on terminals, before anything is verified.
bool is_plain(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c == '\n' || (c >= ' ' && c <= '~'); });
}

tuf::Root root_in(std::string_view text, std::string_view name) { return tuf::root_of(tuf::parse_envelope(text, name), name); }

} // namespace

struct Reader::State {
    State(Input& from, tuf::Store& to, ReaderOptions how) : input(from), store(to), options(std::move(how)), scanner(from) {}

    // ---- What is not a target ---------------------------------------------------------------------
    void read_readme();
    void read_chain();
    void check_chain();
    void read_manifest();
    void read_metadata();
    [[nodiscard]] std::optional<StaleMedia> word_on_stale_media() const;
    void believe();
    void lay_out();
    void read_releases();

    // ---- Targets ----------------------------------------------------------------------------------
    [[nodiscard]] Entry entry_of(const Item& item) const { return {item.place, item.length, time}; }
    [[nodiscard]] std::span<const Item> rest() const { return std::span(contents.targets).subspan(release_texts.size()); }
    void hand_over_releases(Receiver& receiver);
    void read_in_order(Receiver* receiver, const std::function<void(std::uint64_t)>& passed);
    void check_frame();
    void read_at_once(Receiver* receiver, const std::function<void(std::uint64_t)>& passed);
    template <typename Read>
    void take(const Item& item, HashPipe& pipe, Sink* sink, const Read& read, const std::function<void(std::uint64_t)>& passed);

    [[nodiscard]] Entry next_in_time();
    [[nodiscard]] std::string manifest_text() const { return contents.manifest().text; }

    Input& input;
    tuf::Store& store;
    ReaderOptions options;
    Scanner scanner;
    std::int64_t time = 0;
    Entry after_chain; // its header has been read
    Contents contents;
    tuf::Bundle manifest;
    Carried carried;
    std::optional<tuf::Root> root;
    std::optional<tuf::Updater> updater;
    std::vector<std::string> release_texts;
};

void Reader::State::read_readme() {
    const Entry entry = scanner.next();
    if (entry.name != readme_name) throw scanner.refusal(0, entry.name, fmt::format("it stands where '{}' belongs: this is no bundle", readme_name));
    const std::uint64_t begin = scanner.offset();
    if (!is_plain(scanner.text(entry, most_readme_bytes))) throw scanner.refusal(begin, entry.name, "there is more in it than printable ASCII");
    time = entry.time;
}

Entry Reader::State::next_in_time() {
    const std::uint64_t begin = scanner.offset();
    Entry entry = scanner.next();
    if (entry.time != time) throw scanner.refusal(begin, entry.name, "its time is not that of the first entry");
    return entry;
}

void Reader::State::read_chain() {
    for (;;) {
        const std::uint64_t begin = scanner.offset();
        after_chain = next_in_time();
        if (after_chain.name != root_place(contents.roots + 1)) break;
        if (++contents.roots > most_roots) throw scanner.refusal(begin, after_chain.name, fmt::format("the chain has more than {} roots", most_roots));
        contents.metadata.push_back({after_chain.name, scanner.text(after_chain, tuf::most_root_bytes)});
        carried.add(contents.metadata.back());
    }
    if (contents.roots == 0) throw scanner.refusal(scanner.offset() - entry_block, after_chain.name, fmt::format("it stands where '{}' belongs", root_place(1)));
    contents.first_root = sha256(contents.metadata.front().text);
}

// The whole chain holds together, and the root that is trusted is a link of it. Which of both is newer is no matter.
void Reader::State::check_chain() {
    if (options.first_root == ReaderOptions::FirstRoot::own && !store.load("root")) store.save("root", contents.metadata.front().text);
    const auto trusted = store.load("root");
    if (!trusted) throw Error(fmt::format("cannot read '{}': no root is trusted yet", input.name()), "give the one that you were handed: --root FILE");
    const std::uint64_t version = root_in(*trusted, "the trusted root").version;
    if (version <= contents.roots && contents.metadata[version - 1].text != *trusted)
        throw Error(fmt::format("cannot read '{}': its '{}' is not the root that is trusted", input.name(), root_place(version)),
                    "it is of another site, or not of those who say so; take no other root than the one that you were handed");
    tuf::Trusted chain(contents.metadata.front().text, options.now);
    for (std::size_t i = 1; i < contents.roots; ++i) chain.update_root(contents.metadata[i].text);
    root = version > contents.roots ? root_in(*trusted, "the trusted root") : chain.root();
    contents.root_version = contents.roots;
}

void Reader::State::read_manifest() {
    const std::uint64_t begin = scanner.offset() - entry_block;
    const auto train = train_of(after_chain.name);
    if (!train) throw scanner.refusal(begin, after_chain.name, "it stands where the manifest belongs");
    contents.metadata.push_back({after_chain.name, scanner.text(after_chain, tuf::most_bundle_bytes)});
    carried.add(contents.metadata.back());
    if (!root->bundle) throw Error(fmt::format("cannot read '{}': root has no role that signs bundles", input.name()));
    const tuf::Envelope envelope = tuf::parse_envelope(manifest_text(), after_chain.name);
    // Before anything in it is used; whether it may be taken is asked again, with all that is trusted, in believe().
    tuf::verify_threshold(envelope, *root->bundle, root->keys, after_chain.name);
    manifest = tuf::bundle_of(envelope, after_chain.name);
    if (manifest.train != *train) throw scanner.refusal(begin, after_chain.name, fmt::format("it is of train '{}'", manifest.train));
    if (time_of(manifest) != time) throw scanner.refusal(0, readme_name, "its time is not that of the manifest");
}

void Reader::State::read_metadata() {
    for (const Named& file : metadata_of(manifest)) {
        scanner.expect({file.place, file.length, time});
        const std::uint64_t begin = scanner.offset();
        contents.metadata.push_back({file.place, scanner.text({file.place, file.length, time}, file.length)});
        if (sha256(contents.metadata.back().text) != file.sha256) throw scanner.refusal(begin, file.place, "it is not what the manifest names");
        carried.add(contents.metadata.back());
    }
}

std::optional<StaleMedia> Reader::State::word_on_stale_media() const {
    if (!options.stale_media) return std::nullopt;
    const auto meta = manifest.meta.find("targets.json");
    const auto here = meta == manifest.meta.end() ? std::nullopt : carried.find(fmt::format("{}.targets.json", meta->second.version));
    return stale_media_for(manifest, options.stale_media->text, options.stale_media->name, *root, {here, store.load("targets")}, options.now);
}

void Reader::State::believe() {
    auto word = word_on_stale_media();
    updater.emplace(carried, store, tuf::UpdaterOptions{.now = options.now, .train = manifest.train, .stale = word ? std::optional(word->serial) : std::nullopt});
    updater->refresh();
    if (manifest.expires <= updater->trusted().now()) contents.stale = std::move(word);
}

void Reader::State::lay_out() {
    contents.train = manifest.train;
    contents.serial = manifest.version;
    contents.expires = manifest.expires;
    contents.issued = manifest.issued;
    contents.roles = roles_of(manifest_text());
    contents.sources = sources_of(manifest_text());
    contents.targets = items_of(*updater, manifest);
    std::uint64_t at = scanner.offset();
    for (Item& item : contents.targets) {
        item.offset = at + header_of(entry_of(item)).size();
        at = item.offset + item.length + padding_of(item.length);
    }
    contents.size = at + end_of_archive;
    if (input.size().value_or(0) > contents.size) throw scanner.refusal(contents.size, contents.targets.empty() ? after_chain.name : contents.targets.back().place, "something follows the end of the archive");
}

void Reader::State::read_releases() {
    for (const Item& item : contents.targets) {
        if (!is_release(item)) return;
        scanner.expect(entry_of(item));
        release_texts.push_back(scanner.text(entry_of(item), most_release_bytes));
        if (sha256(release_texts.back()) != item.sha256) throw scanner.refusal(item.offset, item.place, "it is not what is signed");
        contents.releases.push_back(release_of(release_texts.back(), item.path));
    }
}

void Reader::State::hand_over_releases(Receiver& receiver) {
    for (std::size_t i = 0; i < release_texts.size(); ++i) {
        if (!receiver.wants(contents.targets[i])) continue;
        const auto sink = receiver.begin(contents.targets[i]);
        sink->put(bytes_of(release_texts[i]));
        sink->finish();
    }
}

template <typename Read>
void Reader::State::take(const Item& item, HashPipe& pipe, Sink* sink, const Read& read, const std::function<void(std::uint64_t)>& passed) {
    for (std::uint64_t left = item.length; left > 0;) {
        const auto room = pipe.room();
        const auto part = room.first(static_cast<std::size_t>(std::min<std::uint64_t>(room.size(), left)));
        read(part, item.length - left);
        pipe.pass(part.size());
        if (sink != nullptr) sink->put(part);
        left -= part.size();
        passed(part.size());
    }
    if (const Digest found = pipe.finish(); found != item.sha256)
        throw scanner.refusal(item.offset, item.place, fmt::format("its SHA-256 is {}, not {}", found.hex(), item.sha256.hex()));
    if (sink != nullptr) sink->finish();
}

void Reader::State::read_in_order(Receiver* receiver, const std::function<void(std::uint64_t)>& passed) {
    HashPipe pipe;
    for (const Item& item : rest()) {
        scanner.expect(entry_of(item));
        const auto sink = receiver != nullptr && receiver->wants(item) ? receiver->begin(item) : nullptr;
        take(item, pipe, sink.get(), [&](std::span<std::byte> out, std::uint64_t) { scanner.read(out); }, passed);
        scanner.skip_padding(item.length);
    }
    scanner.expect_end();
}

// Everything that is not contents.
void Reader::State::check_frame() {
    for (const Item& item : rest()) {
        scanner.expect_at(item.offset - header_of(entry_of(item)).size(), entry_of(item));
        scanner.expect_zeros_at(item.offset + item.length, padding_of(item.length), item.place);
    }
    scanner.expect_zeros_at(contents.size - end_of_archive, end_of_archive, contents.targets.empty() ? after_chain.name : contents.targets.back().place);
}

void Reader::State::read_at_once(Receiver* receiver, const std::function<void(std::uint64_t)>& passed) {
    check_frame();
    // The largest first: none of them is begun when the others are done.
    std::vector<const Item*> order;
    for (const Item& item : rest()) order.push_back(&item);
    std::ranges::stable_sort(order, std::greater{}, &Item::length);
    in_parallel(
        order.size(), [] { return HashPipe(); },
        [&](std::size_t i, HashPipe& pipe) {
            const Item& item = *order[i];
            if (receiver != nullptr && !receiver->wants(item)) return passed(item.length);
            const auto sink = receiver != nullptr ? receiver->begin(item) : nullptr;
            take(item, pipe, sink.get(), [&](std::span<std::byte> out, std::uint64_t from) { input.read_at(item.offset + from, out); }, passed);
        });
}

Reader::Reader(Input& input, tuf::Store& store, ReaderOptions options) : state_(std::make_unique<State>(input, store, std::move(options))) {}
Reader::~Reader() = default;

const Contents& Reader::read_contents() {
    return while_doing(fmt::format("verifying '{}'", state_->input.name()), [&]() -> const Contents& {
        state_->read_readme();
        state_->read_chain();
        state_->check_chain();
        state_->read_manifest();
        state_->read_metadata();
        state_->believe();
        state_->lay_out();
        state_->read_releases();
        return state_->contents;
    });
}

std::optional<Item> Reader::find(std::string_view path) { return item_of(*state_->updater, path); }

void Reader::read_targets(Receiver* receiver, Renderer& renderer) {
    const auto add = [](std::uint64_t sum, const Item& item) { return sum + item.length; };
    const std::uint64_t total = std::accumulate(state_->contents.targets.begin(), state_->contents.targets.end(), std::uint64_t{0}, add);
    Activity activity(renderer, fmt::format("read {}", state_->input.name()));
    std::atomic<std::uint64_t> done{0};
    const auto passed = [&](std::uint64_t bytes) { activity.bytes(done += bytes, total); };
    if (receiver != nullptr) state_->hand_over_releases(*receiver);
    if (state_->input.size() == state_->contents.size) return state_->read_at_once(receiver, passed);
    state_->read_in_order(receiver, passed);
}

} // namespace ashlar::bundle
