#pragma once

// A server that keeps what is PUT, in memory: what an object store is to Ashlar.

#include <mirror_server.hpp>

namespace ashlar::test {

class PutServer {
public:
    // Asked first; a status that is not 0 is the answer.
    using Guard = std::function<int(const Ask&)>;
    explicit PutServer(Guard guard = [](const Ask&) { return 0; })
        : guard_(std::move(guard)), server_([this](const Ask& ask) { return answer(ask); }, MirrorServer::Connections::kept) {}

    [[nodiscard]] std::string url(const std::string& path = "") const { return server_.url(path); }
    [[nodiscard]] std::vector<std::string> asked() const { // "PUT /a"
        std::vector<std::string> lines;
        for (const auto& ask : server_.asks()) lines.push_back(ask.method + " " + ask.target);
        return lines;
    }
    [[nodiscard]] std::map<std::string, std::string> files() const {
        const std::lock_guard guard(mutex_);
        return files_;
    }
    void put(const std::string& path, std::string contents) {
        const std::lock_guard guard(mutex_);
        files_[path] = std::move(contents);
    }
    [[nodiscard]] const MirrorServer& server() const noexcept { return server_; }

private:
    Reply answer(const Ask& ask) {
        if (const int status = guard_(ask)) return {.status = status};
        const std::lock_guard guard(mutex_);
        if (ask.method == "PUT") {
            files_[ask.target] = ask.body;
            return {.status = 201};
        }
        const auto found = files_.find(ask.target);
        return found == files_.end() ? Reply{.status = 404} : Reply{.body = found->second};
    }

    Guard guard_;
    mutable std::mutex mutex_;
    std::map<std::string, std::string> files_;
    MirrorServer server_; // last: it ends first
};

} // namespace ashlar::test
