#pragma once

// Private to this module: what a cut refuses, and what it learns from its images and from those that nodes have now.

#include <releases/cut.hpp>

#include <cut/findings.hpp>
#include <diff/report.hpp>
#include <documents/library.hpp>
#include <facts/image_facts.hpp>
#include <rules/components.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::releases {

// Beside the images of a release: what a later release's accounts are compared with.
inline constexpr std::string_view accounts_file = "accounts.toml";

class Judgement {
public:
    // All of these outlive it.
    Judgement(pipeline::Workshop& workshop, const Office& office, const CutOrder& order);

    // What needs no image to be seen: said before one is built. Error, with all that is refused and how it would be accepted.
    void on_packages();
    struct Passed {
        std::vector<ReleaseComponent> components;
        std::vector<Acceptance> accepted;
    };
    // What needs no signature to be seen: said before one is asked for. The roots are built, and in the store.
    void on_roots();
    // All of it, the train's policy included, when the images are there.
    [[nodiscard]] Passed on_images();

    // Releases from which one may come here, the newest first.
    [[nodiscard]] std::vector<ReleaseVersion> origins() const;

    // ---- What was read for it, once ----
    const std::vector<facts::ImageFacts>& images();
    documents::Library& library(); // what their packages say of themselves
    // What changes since the newest of the origins, in Markdown; nothing for the first of all.
    [[nodiscard]] std::optional<std::string> notes();

private:
    [[nodiscard]] Day today() const { return std::chrono::floor<std::chrono::days>(order_.now); }
    [[nodiscard]] evidence::Manifest planned(const std::string& role) const;
    [[nodiscard]] cut::Verdict verdict_on(const std::vector<cut::Finding>& findings) const;
    void obey_policy();
    [[nodiscard]] bool may_come_from(const ReleaseVersion& release) const;
    [[nodiscard]] std::vector<facts::ImageFacts> images_of(const ReleaseVersion& release) const;
    [[nodiscard]] cut::ReleaseFacts facts_of(const ReleaseVersion& release, std::vector<facts::ImageFacts> images) const;
    const std::vector<cut::ReleaseFacts>& previous();
    const std::optional<diff::ReleaseDifference>& difference();

    pipeline::Workshop& workshop_;
    const Office& office_;
    const CutOrder& order_;
    const recipe::Train& train_;
    const rules::Components components_;
    std::vector<facts::ImageFacts> images_;
    std::optional<std::vector<cut::ReleaseFacts>> previous_;
    std::optional<documents::Library> library_;
    std::optional<diff::ReleaseDifference> difference_;
};

} // namespace ashlar::releases
