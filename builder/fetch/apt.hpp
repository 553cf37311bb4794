#pragma once

// What the APT of this machine knows: sources.list(5) in both its styles, and the settings of
// apt.conf(5) that `apt-config dump` prints.

#include <transfer/downloader.hpp>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::fetch {

// URIs of binary package sources in the order APT reads them, each once; disabled ones left out.
// `sources.list`, then `sources.list.d/*.{list,sources}` by name. A missing directory has none.
[[nodiscard]] std::vector<std::string> read_apt_sources(const std::filesystem::path& directory);

[[nodiscard]] std::vector<std::string> parse_one_line_sources(std::string_view text);
[[nodiscard]] std::vector<std::string> parse_deb822_sources(std::string_view text, const std::string& name);

// Acquire::http::Proxy, Acquire::https::Proxy (which falls back to the former) and those for one host.
[[nodiscard]] transfer::Proxies parse_apt_proxies(std::string_view dump);

} // namespace ashlar::fetch
