#pragma once

// What commands about finished images have in common: their names, a policy, the packages' documents.

#include "options.hpp"

#include <diff/closed.hpp>
#include <diff/image_facts.hpp>
#include <policy/policy.hpp>

#include <optional>

namespace ashlar::command {

// Images as commands name them: files, directories, releases in --output.
[[nodiscard]] std::vector<diff::ImageFacts> read_named_images(Context& context, const std::vector<std::filesystem::path>& names);

// Gives the command --policy and --today.
struct Judgement {
    std::filesystem::path policy; // empty: none
    std::string today;            // empty: the machine's day

    [[nodiscard]] std::optional<policy::Policy> read() const;
    [[nodiscard]] std::string day() const;
};
void add_judgement(CLI::App& command, Judgement& judgement);

// The documents of the images' packages: from the images where those have them, else from the store, if
// there is one. `images` and the store outlive it.
class Documents {
public:
    Documents(Context& context, const std::vector<diff::ImageFacts>& images);
    [[nodiscard]] documents::Library& library() noexcept { return library_; }

private:
    std::optional<store::Store> store_;
    documents::Library library_;
};

} // namespace ashlar::command
