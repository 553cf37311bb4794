#include <shared/shared_store.hpp>

#include "result.hpp"

#include <archive/tree.hpp>
#include <base/error.hpp>
#include <store/landing.hpp>
#include <transfer/uploader.hpp>

#include <set>
#include <vector>

#include <fmt/format.h>

namespace ashlar::shared {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t largest_blob = std::uint64_t{4} << 30; // where the size is not known

// Better without it than waiting for it: one try, and a server that fails once is left out.
transfer::Options impatient(transfer::Options options) {
    options.connect_timeout = std::chrono::seconds(3);
    options.slowest_time = std::chrono::seconds(5);
    options.tries = 1;
    options.dead_after = 1;
    return options;
}

std::string blob_path(const Digest& digest) { return fmt::format("blobs/{}/{}", digest.hex().substr(0, 2), digest.hex()); }

std::string record_path(std::string_view stage, const Digest& key) {
    return fmt::format("results/{}/{}.json", stage, key.hex());
}

} // namespace

class SharedStore::Work {
public:
    Work(Options options, store::Store& store, Renderer& renderer)
        : options_(std::move(options)), store_(store), renderer_(renderer),
          downloader_(impatient(options_.transfer), renderer), uploader_(impatient(options_.transfer)) {}

    void fetch(std::span<const Wanted> wanted) {
        if (!asked_) return;
        const store::Workspace workspace = store_.temporary();
        std::vector<transfer::Request> requests;
        for (const auto& one : wanted) requests.push_back(request_for(one, workspace.path()));
        const auto results = downloader_.fetch(requests, "looking into the shared store");
        for (std::size_t i = 0; i < results.size(); ++i)
            if (const auto* failed = std::get_if<transfer::Failed>(&results[i])) note(*failed, &wanted[i].sha256);
    }

    bool put(std::span<const Wanted> wanted) {
        for (const auto& one : wanted)
            if (uploads())
                if (const auto file = store_.find(one.sha256)) put_blob(one.sha256, *file);
        return asked_ && takes_;
    }

    bool fetch_result(std::string_view stage, const Digest& key, const fs::path& output) {
        if (!asked_ || options_.results == Options::Results::no) return false;
        const store::Workspace workspace = store_.temporary();
        const std::string url = url_of(record_path(stage, key));
        try {
            if (!bring(url, transfer::AtMost{largest_record}, workspace.path() / "record")) return false;
            const Result result = parse_result(read_file(workspace.path() / "record"), url, stage, key);
            const fs::path packed = workspace.path() / "packed";
            if (!bring(url_of(blob_path(result.packed)), transfer::Exactly{result.packed, result.size}, packed)) return false;
            archive::unpack_tree(packed, output);
            return true;
        } catch (const Error& error) { // it is made here, then
            renderer_.note(error.message());
            remove_tree(output);
            fs::create_directory(output);
            return false;
        }
    }

    // The record last: who finds it finds what it names.
    void put_result(std::string_view stage, const Digest& key, const fs::path& output) {
        if (!uploads() || options_.results == Options::Results::no) return;
        const store::Workspace workspace = store_.temporary();
        const fs::path packed = workspace.path() / "packed", record = workspace.path() / "record";
        archive::pack_tree(output, packed);
        const Result result{std::string(stage), key, sha256_of_file(packed), fs::file_size(packed)};
        put_blob(result.packed, packed);
        write_file(record, to_text(result));
        if (uploads()) send(url_of(record_path(stage, key)), record);
    }

private:
    [[nodiscard]] std::string url_of(const std::string& path) const { return options_.url + "/" + path; }
    [[nodiscard]] bool uploads() const { return asked_ && takes_ && options_.upload == Options::Upload::yes; }

    transfer::Request request_for(const Wanted& wanted, const fs::path& workspace) {
        transfer::Request request{.name = wanted.name, .urls = {url_of(blob_path(wanted.sha256))}, .expected = transfer::AtMost{largest_blob}};
        if (!wanted.size) {
            const fs::path file = workspace / wanted.sha256.hex();
            request.target = [file] { return file; };
            request.arrived = [this, file, digest = wanted.sha256](const transfer::Received& received) { take_unsized(received, digest, file); };
            return request;
        }
        const auto landing = std::make_shared<store::Landing>(store_, workspace, wanted.sha256);
        request.expected = transfer::Exactly{wanted.sha256, *wanted.size};
        request.target = [landing] { return landing->open(); };
        request.arrived = [landing](const transfer::Received&) { landing->adopt(); };
        request.given_up = [landing] { landing->let_go(); };
        return request;
    }

    void take_unsized(const transfer::Received& received, const Digest& wanted, const fs::path& file) {
        if (received.sha256 == wanted) {
            store_.adopt(file, wanted);
        } else {
            renderer_.note(fmt::format("cannot verify '{}': SHA-256 is {}, expected {}", received.url, received.sha256.hex(), wanted.hex()));
        }
    }

    // False when there is none; why else was said.
    bool bring(const std::string& url, const transfer::Expected& expected, const fs::path& target) {
        const transfer::Request request{.name = url, .urls = {url}, .expected = expected, .target = [target] { return target; }};
        const auto result = downloader_.fetch(std::span(&request, 1), "looking into the shared store").at(0);
        const auto* failed = std::get_if<transfer::Failed>(&result);
        if (failed != nullptr) note(*failed, nullptr);
        return failed == nullptr;
    }

    // Not to have a thing is an answer; to have it wrong is worth a line; anything else is the end of asking.
    void note(const transfer::Failed& failed, const Digest* blob) {
        const transfer::Attempt& attempt = failed.attempts.at(0);
        if (attempt.cause == transfer::Cause::absent) {
            if (blob != nullptr) absent_.insert(*blob);
        } else if (attempt.cause == transfer::Cause::wrong) {
            renderer_.note(error_of(failed).message());
        } else if (std::exchange(asked_, false)) {
            renderer_.note(error_of(failed).message() + "; the shared store is left out");
        }
    }

    void put_blob(const Digest& digest, const fs::path& file) {
        const std::string url = url_of(blob_path(digest));
        if (absent_.contains(digest) || !is_there(url))
            if (uploads()) send(url, file);
    }

    bool is_there(const std::string& url) {
        const auto missing = uploader_.look_for(url);
        if (missing && missing->cause != transfer::Cause::absent) stop_uploads(*missing, "look for");
        return !missing;
    }

    void send(const std::string& url, const fs::path& file) {
        if (const auto failed = uploader_.put(url, file)) stop_uploads(*failed, "store");
    }

    void stop_uploads(const transfer::Attempt& attempt, std::string_view verb) {
        if (!std::exchange(takes_, false)) return;
        if (attempt.cause == transfer::Cause::transient) asked_ = false; // its time-out is paid for once
        renderer_.note(transfer::error_of(attempt, verb).message() +
                       (asked_ ? "; nothing more goes to the shared store" : "; the shared store is left out"));
    }

    Options options_;
    store::Store& store_;
    Renderer& renderer_;
    transfer::Downloader downloader_;
    transfer::Uploader uploader_;
    bool asked_ = true, takes_ = true;
    std::set<Digest> absent_; // it said so
};

SharedStore::SharedStore(Options options, store::Store& store, Renderer& renderer)
    : work_(std::make_unique<Work>(std::move(options), store, renderer)) {}

SharedStore::~SharedStore() = default;

void SharedStore::fetch(std::span<const Wanted> wanted) { work_->fetch(wanted); }

bool SharedStore::put(std::span<const Wanted> wanted) { return work_->put(wanted); }

bool SharedStore::fetch_result(std::string_view stage, const Digest& key, const fs::path& output) {
    return work_->fetch_result(stage, key, output);
}

void SharedStore::put_result(std::string_view stage, const Digest& key, const fs::path& output) {
    work_->put_result(stage, key, output);
}

} // namespace ashlar::shared
