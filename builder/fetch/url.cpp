#include "url.hpp"

#include <fmt/format.h>

namespace ashlar::fetch {

namespace {

bool is_plain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-._~/:@!$&'()*,;=+").find(c) != std::string_view::npos;
}

} // namespace

std::optional<std::string> fault_of_url(std::string_view url) {
    const std::string normal = normal_url(url);
    const std::string_view text = normal;
    for (const std::string_view scheme : {"http://", "https://"})
        if (text.starts_with(scheme) && text.size() > scheme.size()) return std::nullopt;
    if (text.starts_with("file:///") && text.size() > 8) return std::nullopt;
    return fmt::format("'{}' is no URL that starts with http://, https:// or file:///", url);
}

std::optional<std::string> fault_of_shared_url(std::string_view url) {
    if (!fault_of_url(url) && normal_url(url).starts_with("http")) return std::nullopt;
    return fmt::format("'{}' is no URL that starts with http:// or https://", url);
}

std::string normal_url(std::string_view url) {
    std::string normal(url);
    while (normal.ends_with('/')) normal.pop_back();
    for (const std::string_view local : {"copy:", "file:"}) {
        if (!normal.starts_with(local)) continue;
        std::string_view path = std::string_view(normal).substr(local.size());
        while (path.starts_with("//")) path.remove_prefix(1);
        return fmt::format("file://{}", path);
    }
    return normal;
}

std::string_view last_component(std::string_view normal_url) {
    const std::size_t scheme = normal_url.find("://");
    const std::size_t start = scheme == normal_url.npos ? 0 : scheme + 3;
    const std::size_t slash = normal_url.rfind('/');
    if (slash == normal_url.npos || slash < start) return {};
    return normal_url.substr(slash + 1);
}

std::string below(std::string_view normal_url, std::string_view path) {
    std::string url = fmt::format("{}/", normal_url);
    for (const char c : path) {
        if (is_plain(c)) {
            url += c;
        } else {
            url += fmt::format("%{:02X}", static_cast<unsigned char>(c));
        }
    }
    return url;
}

} // namespace ashlar::fetch
