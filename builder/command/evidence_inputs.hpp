#pragma once

// What commands about finished images have in common: their names, a policy, the packages' documents.

#include "options.hpp"

#include <diff/closed.hpp>
#include <facts/image_facts.hpp>
#include <policy/policy.hpp>
#include <vulnerabilities/assessment.hpp>

#include <optional>

namespace CLI {
class Option;
}

namespace ashlar::command {

// Images as commands name them: files, directories, releases in --output.
[[nodiscard]] std::vector<facts::ImageFacts> read_named_images(Context& context, const std::vector<std::filesystem::path>& names);

// Gives the command --policy and --today.
struct Judgement {
    std::filesystem::path policy; // empty: none
    std::string today;            // empty: the machine's day

    [[nodiscard]] std::optional<policy::Policy> read() const;
    [[nodiscard]] std::string day() const;
};
void add_judgement(CLI::App& command, Judgement& judgement);

// What rules refuse; waivers that nothing needs are named on the way.
template <typename Rules, typename Subject> std::vector<policy::Finding> judged(Context& context, const Rules& rules, const Subject& subject, const Judgement& judgement) {
    policy::Waivers waivers(rules.waivers, judgement.day());
    auto refused = judge(rules, subject, waivers);
    for (const auto& warning : policy::unused_warnings(waivers)) context.renderer().note(warning);
    return refused;
}

// The security tracker's snapshot, where one is given.
struct TrackerOptions {
    std::filesystem::path snapshot; // empty: none
    std::string suite;              // Debian's release; empty: that of the lock's suites
};
// Gives the command --tracker and --suite.
CLI::Option* add_tracker(CLI::App& command, TrackerOptions& options);

// The packages of images, whose manifests and locks lie together.
[[nodiscard]] vulnerabilities::Inventory read_inventory(const Context& context, const std::vector<std::filesystem::path>& names);
// Debian's release by which they are judged.
[[nodiscard]] std::string release_of(const vulnerabilities::Inventory& inventory, const TrackerOptions& options);
// By a snapshot, each of the sets of images. Error when it says nothing about a release.
[[nodiscard]] std::vector<vulnerabilities::Assessment> assess(Context& context, const std::vector<vulnerabilities::Inventory>& inventories, const TrackerOptions& options);

// The documents of the images' packages: from the images where those have them, else from the store, if
// there is one. `images` and the store outlive it.
class Documents {
public:
    Documents(Context& context, const std::vector<facts::ImageFacts>& images);
    [[nodiscard]] documents::Library& library() noexcept { return library_; }

private:
    std::optional<store::Store> store_;
    documents::Library library_;
};

} // namespace ashlar::command
