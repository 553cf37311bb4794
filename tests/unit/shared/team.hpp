#pragma once

// Two builders of a team, each with a store of its own, and a shared one.

#include <shared/shared_store.hpp>

#include <base/error.hpp>
#include <base/file.hpp>

#include <mirror_server.hpp>

#include <gmock/gmock.h>
#include <mutex>

namespace ashlar::shared {

namespace fs = std::filesystem;

// Keeps the lines that a user would have read.
class Notes : public Renderer {
public:
    void started(std::uint64_t, std::string_view) override {}
    void advanced(std::uint64_t, std::uint64_t, std::uint64_t, bool) override {}
    void finished(std::uint64_t, std::string_view) override {}
    void note(std::string_view line) override {
        const std::lock_guard guard(mutex_);
        lines.emplace_back(line);
    }
    std::vector<std::string> lines;

private:
    std::mutex mutex_;
};

struct Builder {
    Builder(const fs::path& directory, Options options) : store(directory), shared(std::move(options), store, notes) {}

    static Wanted wanted(const std::string& text) { return {"thing", sha256(text), text.size()}; }
    static Wanted unsized(const std::string& text) { return {"thing", sha256(text), std::nullopt}; }
    void fetch(const std::vector<Wanted>& things) { shared.fetch(things); }
    [[nodiscard]] bool has(const std::string& text) { return store.find(sha256(text)).has_value(); }

    store::Store store;
    Notes notes;
    SharedStore shared;
};

inline std::string blob(const std::string& text) { return "/blobs/" + sha256(text).hex().substr(0, 2) + "/" + sha256(text).hex(); }

struct TeamTest : testing::Test {
    void SetUp() override { test::forget_proxies(); }

    TemporaryDirectory dir{fs::temp_directory_path()};

    Options options(const std::string& url) const {
        return {.url = url, .upload = Options::Upload::yes, .results = Options::Results::yes, .transfer = {}};
    }
    fs::path secret(const std::string& name, const std::string& text) const {
        write_file(dir.path() / name, text, 0600);
        return dir.path() / name;
    }
    fs::path store(const std::string& name) const { return dir.path() / name; }
};

} // namespace ashlar::shared
