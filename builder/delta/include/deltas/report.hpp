#pragma once

// What a delta consists of, and what made it as large as it is.

#include <deltas/plan.hpp>

#include <base/json.hpp>
#include <signing/digest.hpp>

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace ashlar::deltas {

// What a file or a package adds.
struct Share {
    std::string name;    // path, or package
    std::string package; // of a path
    std::uint64_t bytes = 0;
};

struct Subject {
    std::optional<Digest> from; // root hashes; nothing: a full file
    Digest to;
    const Side& now; // outlives the report
    std::function<std::string(const std::string& path)> package_of; // empty: nobody's
};

class Report {
public:
    struct Kind {
        std::uint64_t operations = 0, made = 0, payload = 0; // bytes but for the first
    };

    explicit Report(Subject subject);

    // A piece of this plan as it was packed.
    void add(const Piece& piece, std::uint64_t payload, const Plan& plan);

    std::string file;       // name
    std::uint64_t size = 0; // bytes of the whole file
    std::uint64_t tree = 0; // of these, the hash tree
    // Of a full file, what a node with a certain old root fetches.
    std::optional<std::uint64_t> blocks;

    [[nodiscard]] const std::array<Kind, 4>& kinds() const noexcept { return kinds_; }
    // Largest first.
    [[nodiscard]] std::vector<Share> packages() const;
    [[nodiscard]] std::vector<Share> files() const;

    [[nodiscard]] Json to_json() const;
    [[nodiscard]] std::string to_text() const;
    // "base-files 1.2 MB, …": the first few packages.
    [[nodiscard]] std::string top() const;

private:
    // A payload's bytes to the files that it is about.
    void charge(const Extent& made, std::uint64_t payload, const Plan& plan);

    Subject subject_;
    std::array<Kind, 4> kinds_{};
    std::vector<std::pair<Extent, std::size_t>> owners_; // by offset; index into the new side's files
    std::map<std::size_t, double> by_file_;
    double nobodys_ = 0;
};

} // namespace ashlar::deltas
