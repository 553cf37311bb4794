#pragma once

// A repository with release R1.0, a bundle of it, and what tests do with both.

#include <handmade_repository.hpp>

#include <bundle/entry.hpp>
#include <bundle/import.hpp>
#include <bundle/input.hpp>
#include <bundle/writer.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/progress.hpp>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace ashlar::bundle {

namespace fs = std::filesystem;

// Where a sync costs nothing.
inline fs::path quick_directory() { return fs::exists("/dev/shm") ? "/dev/shm" : "/tmp"; }

inline Renderer& silent() {
    static const std::unique_ptr<Renderer> renderer = make_renderer(ProgressStyle::quiet, -1);
    return *renderer;
}

// The bytes as a file, or as a stream that cannot be read by position.
inline std::unique_ptr<Input> stream_of(std::string_view bytes) {
    Fd file(::memfd_create("bundle", MFD_CLOEXEC));
    write_all(file.get(), bytes, "memory");
    EXPECT_EQ(::lseek(file.get(), 0, SEEK_SET), 0);
    return input_of(std::move(file), "r1.bundle");
}

// Everything below a directory: path → contents.
inline std::map<std::string, std::string> tree_of(const fs::path& directory) {
    std::map<std::string, std::string> tree;
    if (!fs::exists(directory)) return tree;
    for (const auto& entry : fs::recursive_directory_iterator(directory))
        if (entry.is_regular_file()) tree[entry.path().lexically_relative(directory).native()] = read_file(entry.path());
    return tree;
}

inline void write_bundle(const HandmadeRepository& repository, const fs::path& file, std::optional<std::uint64_t> split = std::nullopt) {
    Output output(file, split);
    (void)write({repository.directory, "R1", repository.now()}, output, silent());
}

class Workbench {
public:
    explicit Workbench(const HandmadeRepository::Files& files = {{"a", std::string(3000, 'a')}, {"b", "b"}, {"ashlar_base_R1.0_amd64.manifest.json", std::string(512, 'm')}}) {
        release = repository.add_release("R1.0", files);
        repository.publish(release);
        pack();
    }
    void pack() {
        write_bundle(repository, file);
        bytes = read_file(file);
        root = read_file(repository.root_file());
    }
    [[nodiscard]] fs::path path(const std::string& name) const { return directory.path() / name; }
    [[nodiscard]] ImportOrder order() const { return {.mirror = mirror, .root = repository.root_file(), .now = repository.now()}; }
    ImportReport import_bytes(std::string_view from) const { return import(*stream_of(from), order(), silent()); }
    ImportReport import_file() const { return import(*open_input(file, {}), order(), silent()); }

    // What the verifier says to bytes; empty: nothing.
    [[nodiscard]] std::string refusal_of(std::string_view from) const {
        try {
            (void)verify(*stream_of(from), root, {.now = repository.now()}, silent());
            return {};
        } catch (const Error& error) {
            return error.message();
        }
    }
    [[nodiscard]] std::string refusal_of_file(const fs::path& from, AskForPiece ask = {}) const {
        try {
            (void)verify(*open_input(from, std::move(ask)), root, {.now = repository.now()}, silent());
            return {};
        } catch (const Error& error) {
            return error.message();
        }
    }
    [[nodiscard]] std::string import_refusal(Input& input, const ImportOrder& how) const {
        try {
            (void)import(input, how, silent());
            return {};
        } catch (const Error& error) {
            return error.message();
        }
    }

    TemporaryDirectory directory{quick_directory(), "bundle-"};
    HandmadeRepository repository{directory.path() / "repository"};
    std::vector<std::string> release;
    fs::path file = directory.path() / "r1.bundle", mirror = directory.path() / "mirror";
    std::string bytes, root;
};

// What a client that trusts `root` finds in a mirror: the serial, when all that the manifest lists is there and right; 0 for a
// mirror in which there is nothing yet. Anything else fails the test.
inline std::uint64_t seen_by_client(const fs::path& mirror, const std::string& root, Time now) {
    struct Memory final : tuf::Store {
        std::map<std::string, std::string, std::less<>> texts;
        std::optional<std::string> load(std::string_view role) const override {
            const auto found = texts.find(role);
            return found == texts.end() ? std::nullopt : std::optional(found->second);
        }
        void save(std::string_view role, std::string_view text) override { texts[std::string(role)] = std::string(text); }
        void remove(std::string_view role) override { texts.erase(std::string(role)); }
    } store;
    if (!fs::exists(mirror / "metadata/bundle-R1.json")) return 0;
    store.save("root", root);
    tuf::DirectoryRepository repository(mirror / "metadata");
    tuf::Updater updater(repository, store, {.now = now, .train = "R1", .stale = std::nullopt});
    updater.refresh();
    const tuf::Bundle manifest = *updater.trusted().bundle();
    for (const std::string& path : manifest.targets) {
        const auto found = updater.find(path);
        EXPECT_TRUE(found) << path;
        if (!found) continue;
        const fs::path file = mirror / "targets" / tuf::place_of(path, found->target, tuf::Naming::consistent);
        EXPECT_TRUE(fs::exists(file)) << file;
        if (fs::exists(file)) {
            EXPECT_EQ(sha256_of_file(file), found->target.sha256()) << file;
        }
    }
    return manifest.version;
}

} // namespace ashlar::bundle
