#include <bundle/writer.hpp>

#include "layout.hpp"
#include "pending_store.hpp"
#include "readme.hpp"

#include <bundle/entry.hpp>

#include <base/error.hpp>
#include <base/parallel.hpp>
#include <tuf/updater.hpp>

#include <sys/stat.h>
#include <thread>

#include <fmt/format.h>

namespace ashlar::bundle {

namespace fs = std::filesystem;

namespace {

std::string needed(tuf::Repository& repository, const std::string& place, std::uint64_t most) {
    auto text = repository.metadata(name_in_metadata(place), most);
    if (!text) throw Error(fmt::format("cannot export: the repository has no '{}'", place), "is this a repository, with metadata/ and targets/?");
    return std::move(*text);
}

std::vector<MetadataFile> chain_of(tuf::Repository& repository) {
    std::vector<MetadataFile> chain{{root_place(1), needed(repository, root_place(1), tuf::most_root_bytes)}};
    for (;;) {
        const std::string place = root_place(chain.size() + 1);
        auto text = repository.metadata(name_in_metadata(place), tuf::most_root_bytes);
        if (!text) return chain;
        chain.push_back({place, std::move(*text)});
    }
}

// The repository without what a bundle has not.
class WithoutTimestamp final : public tuf::Repository {
public:
    explicit WithoutTimestamp(tuf::Repository& below) : below_(below) {}
    std::optional<std::string> metadata(std::string_view name, std::uint64_t most) override {
        return name == "timestamp.json" ? std::nullopt : below_.metadata(name, most);
    }

private:
    tuf::Repository& below_;
};

class Export {
public:
    Export(const WriteOrder& order) : order_(order), files_(order.repository / "metadata") {}

    void gather();
    Written write(Output& output, Renderer& renderer);

private:
    void gather_metadata(const tuf::Bundle& manifest);
    void check_targets(Renderer& renderer) const;
    [[nodiscard]] std::string header(std::string_view place, std::uint64_t size) const { return header_of({std::string(place), size, time_}); }
    [[nodiscard]] std::uint64_t size() const;
    static void put(Output& output, std::string_view header, std::string_view text);

    const WriteOrder& order_;
    tuf::DirectoryRepository files_;
    Contents contents_;
    std::int64_t time_ = 0;
    std::string readme_;
};

void Export::gather() {
    contents_.metadata = chain_of(files_);
    contents_.roots = contents_.metadata.size();
    contents_.first_root = sha256(contents_.metadata.front().text);
    const std::string manifest_text = needed(files_, manifest_place(order_.train), tuf::most_bundle_bytes);
    contents_.metadata.push_back({manifest_place(order_.train), manifest_text});

    MemoryStore store;
    store.save("root", contents_.metadata.front().text);
    WithoutTimestamp repository(files_);
    tuf::Updater updater(repository, store, {.now = order_.now, .train = order_.train, .stale = std::nullopt});
    updater.refresh();
    const tuf::Bundle& manifest = *updater.trusted().bundle();
    contents_.train = manifest.train;
    contents_.serial = manifest.version;
    contents_.expires = manifest.expires;
    contents_.sources = sources_of(manifest_text);
    time_ = time_of(manifest);
    gather_metadata(manifest);
    contents_.targets = items_of(updater, manifest);
    for (const Item& item : contents_.targets)
        if (is_release(item)) contents_.releases.push_back(release_of(read_file(order_.repository / item.place), item.path));
    readme_ = readme_of(contents_);
    if (readme_.size() > most_readme_bytes) readme_.resize(most_readme_bytes);
}

void Export::gather_metadata(const tuf::Bundle& manifest) {
    for (const Named& file : metadata_of(manifest)) {
        contents_.metadata.push_back({file.place, needed(files_, file.place, file.length)});
        if (sha256(contents_.metadata.back().text) != file.sha256)
            throw Error(fmt::format("cannot export: '{}' is not what the manifest names", file.place), "make and sign the manifest again");
    }
}

void Export::check_targets(Renderer& renderer) const {
    Activity activity(renderer, "check targets");
    in_parallel(contents_.targets.size(), [&](std::size_t i) {
        const Item& item = contents_.targets[i];
        const fs::path path = order_.repository / item.place;
        struct stat information {};
        if (::stat(path.c_str(), &information) != 0) throw system_error("export", path.native());
        if (static_cast<std::uint64_t>(information.st_size) != item.length || sha256_of_file(path) != item.sha256)
            throw Error(fmt::format("cannot export '{}': it is not what its role has signed", path.native()), "it is damaged: put the right one there");
    });
}

std::uint64_t Export::size() const {
    const auto whole = [&](std::string_view place, std::uint64_t bytes) { return header(place, bytes).size() + bytes + padding_of(bytes); };
    std::uint64_t sum = whole(readme_name, readme_.size()) + end_of_archive;
    for (const MetadataFile& file : contents_.metadata) sum += whole(file.place, file.text.size());
    for (const Item& item : contents_.targets) sum += whole(item.place, item.length);
    return sum;
}

void Export::put(Output& output, std::string_view header, std::string_view text) {
    output.put(header);
    output.put(text);
    output.put(std::string(padding_of(text.size()), '\0'));
}

Written Export::write(Output& output, Renderer& renderer) {
    const std::uint64_t total = size();
    output.expect(total);
    // Reading for the digests and copying go on at once: whichever comes second finds the bytes in memory.
    std::exception_ptr damaged;
    std::jthread check([&] {
        try {
            check_targets(renderer);
        } catch (...) {
            damaged = std::current_exception();
        }
    });
    Activity activity(renderer, "write the bundle");
    put(output, header(readme_name, readme_.size()), readme_);
    for (const MetadataFile& file : contents_.metadata) put(output, header(file.place, file.text.size()), file.text);
    std::uint64_t done = 0;
    for (const Item& item : contents_.targets) {
        output.put(header(item.place, item.length));
        output.copy(order_.repository / item.place, item.length);
        output.put(std::string(padding_of(item.length), '\0'));
        activity.bytes(done += item.length, total);
    }
    check.join();
    if (damaged) std::rethrow_exception(damaged);
    // The end comes last: what went through a pipe and is not right has none.
    output.put(std::string(end_of_archive, '\0'));
    output.finish();
    return {total, contents_.serial, contents_.targets.size()};
}

} // namespace

Written write(const WriteOrder& order, Output& output, Renderer& renderer) {
    return while_doing(fmt::format("exporting train {} of '{}'", order.train, order.repository.native()), [&] {
        Export one(order);
        one.gather();
        return one.write(output, renderer);
    });
}

} // namespace ashlar::bundle
