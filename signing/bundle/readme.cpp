#include "readme.hpp"

#include <base/text.hpp>
#include <tuf/metadata.hpp>

#include <algorithm>
#include <iterator>
#include <numeric>
#include <set>

#include <fmt/format.h>

namespace ashlar::bundle {

namespace {

std::uint64_t bytes_of(const std::vector<Item>& items) {
    return std::accumulate(items.begin(), items.end(), std::uint64_t{0}, [](std::uint64_t sum, const Item& item) { return sum + item.length; });
}

std::string names_of(const Contents& contents) {
    std::vector<std::string> names;
    for (const Release& release : contents.releases) names.push_back(release.release);
    return names.empty() ? fmt::format("metadata of train {}", contents.train) : join(names, ", ");
}

std::string release_part(const Release& release) {
    std::string text = fmt::format("## {}\n\nSupported until {}. From: {}.\n\n| Role | Architecture | Files | Size |\n|---|---|---|---|\n", release.release, release.supported_until,
                                   release.previous.empty() ? "a first installation only" : join(release.previous, ", "));
    for (const ReleaseImage& image : release.images) {
        const auto add = [](std::uint64_t sum, const ReleaseFile& file) { return sum + file.size; };
        text += fmt::format("| {} | {} | {} | {} |\n", image.role, image.architecture, image.files.size(), human_bytes(std::accumulate(image.files.begin(), image.files.end(), std::uint64_t{0}, add)));
    }
    return text + "\n";
}

std::string sources_part(const Contents& contents) {
    if (!contents.sources) return {};
    const std::set<std::string_view> paths(contents.sources->begin(), contents.sources->end());
    std::vector<Item> carried;
    std::ranges::copy_if(contents.targets, std::back_inserter(carried), [&](const Item& item) { return paths.contains(item.path); });
    return fmt::format("## Sources\n\n{} files of source packages, of which {} are carried, {}. The file of kind `sources` beside each release says\nwhich packages they are, and what each file is called. "
                       "`ashlar bundle import --without-sources` leaves them.\n\n",
                       paths.size(), carried.size(), human_bytes(bytes_of(carried)));
}

std::string targets_part(const Contents& contents) {
    std::string text = "## What is carried\n\n| Bytes | SHA-256 | Target |\n|---|---|---|\n";
    for (const Item& item : contents.targets) text += fmt::format("| {} | {} | {} |\n", item.length, item.sha256.hex(), item.path);
    return text + "\n";
}

} // namespace

std::string readme_of(const Contents& contents) {
    std::string text = fmt::format("# Ashlar bundle: {}\n\nTrain {}, serial {}, {} targets, {}. Good until {}.\n\n"
                                   "This page is not signed and proves nothing; `ashlar bundle verify` prints the same from what is.\n\n",
                                   names_of(contents), contents.train, contents.serial, contents.targets.size(), human_bytes(bytes_of(contents.targets)), tuf::text_of(contents.expires));
    text += fmt::format("    ashlar bundle import FILE --mirror DIR --root root.json\n\n`--root` only the first time: the root that you were handed on another way. The first root in here has the SHA-256\n{}.\n\n",
                        contents.first_root->hex());
    for (const Release& release : contents.releases) text += release_part(release);
    text += sources_part(contents);
    text += targets_part(contents);
    std::ranges::replace_if(text, [](char c) { return c != '\n' && (c < ' ' || c > '~'); }, '?');
    return text;
}

} // namespace ashlar::bundle
