#pragma once

// Which of the source packages that indices describe are those that are wanted.

#include <fetch/sources.hpp>

#include <base/error.hpp>
#include <debian/source_package.hpp>

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ashlar::fetch {

class SourceSearch {
public:
    // `wanted` outlives it.
    explicit SourceSearch(std::span<const WantedSource> wanted);

    // All that an uncompressed Sources file describes. True when something in it was wanted.
    bool read(std::string_view sources, const std::string& name, const std::string& archive, const std::string& component);
    // True when it was wanted.
    bool add(const debian::SourcePackage& package, const std::string& archive, const std::string& component);

    // For each that is wanted what was found in its own archive, else what was found first. An Error that names all that were not
    // found; `train` is for its message.
    [[nodiscard]] std::vector<SourcePackage> take(const std::string& train) const;

private:
    [[nodiscard]] const SourcePackage* found(const WantedSource& wanted) const;

    std::span<const WantedSource> wanted_;
    std::map<std::string, std::map<std::string, std::vector<SourcePackage>, std::less<>>, std::less<>> found_; // by name, then version
};

// The Error for sources that cannot be had.
[[nodiscard]] Error error_of_gone_sources(const std::string& train, const std::vector<std::string>& gone, std::string_view why);

} // namespace ashlar::fetch
