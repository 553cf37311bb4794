#pragma once

// The order in which names first occur in package indices. APT numbers packages in this order and,
// where nothing else tells two providers apart, takes the one with the higher number.

#include <string_view>
#include <unordered_map>

namespace ashlar::debian {

class MentionOrder {
public:
    // Names of `architecture` and `all`, in APT's order of reading a paragraph.
    void add_index(std::string_view packages_text, std::string_view architecture);
    // 0 for a name that never occurred.
    [[nodiscard]] std::size_t rank(std::string_view name) const;

private:
    void mention(std::string_view name);
    void mention_all(std::string_view field);

    std::unordered_map<std::string_view, std::size_t> ranks_;
};

} // namespace ashlar::debian
