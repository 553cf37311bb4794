#include "mention_order.hpp"

#include <debian/control.hpp>

#include <algorithm>
#include <array>

namespace ashlar::debian {

namespace {

constexpr std::array<std::string_view, 9> mentioning_fields{
    "Pre-Depends", "Depends", "Conflicts", "Breaks", "Recommends", "Suggests", "Replaces", "Enhances", "Provides"};

} // namespace

void MentionOrder::mention(std::string_view name) {
    if (!name.empty()) ranks_.try_emplace(name, ranks_.size() + 1);
}

void MentionOrder::mention_all(std::string_view field) {
    constexpr std::string_view before_name = " \t\r\n,|", after_name = " \t\r\n,|(";
    while (!field.empty()) {
        field.remove_prefix(std::min(field.find_first_not_of(before_name), field.size()));
        const std::size_t end = std::min(field.find_first_of(after_name), field.size());
        // `name:any` and `name:<architecture>` are other packages to APT.
        const std::string_view name = field.substr(0, end);
        if (name.find(':') == std::string_view::npos) mention(name);
        field.remove_prefix(std::min(field.find_first_of(",|", end), field.size()));
    }
}

void MentionOrder::add_index(std::string_view packages_text, std::string_view architecture) {
    ControlReader reader(packages_text, "Packages");
    Paragraph paragraph;
    ranks_.reserve(ranks_.size() + packages_text.size() / 400); // about as many names as there are
    while (reader.next(paragraph)) {
        const std::string_view of = paragraph.get("Architecture").value_or("");
        if (of != architecture && of != "all") continue;
        mention(paragraph.get("Package").value_or(""));
        for (const std::string_view field : mentioning_fields) mention_all(paragraph.get(field).value_or(""));
    }
}

std::size_t MentionOrder::rank(std::string_view name) const {
    const auto found = ranks_.find(name);
    return found == ranks_.end() ? 0 : found->second;
}

} // namespace ashlar::debian
