#include <site/key.hpp>

#include "hex_secret.hpp"

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/random.hpp>
#include <base/text.hpp>
#include <signing/bytes.hpp>
#include <signing/hkdf.hpp>

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <string.h>

#include <fmt/format.h>

namespace ashlar::site {

namespace {

constexpr std::string_view first_word = "ashlar-site-key-1", id_info = "ashlar site key id 1";

Error refusal(std::string_view name) {
    return Error(fmt::format("cannot read the site key in '{}': it is not one line '{} <site id> <64 hexadecimal digits>'", name, first_word),
                 "`ashlar site new` makes one, and `ashlarctl site key rotate` another one in its place");
}

} // namespace

SiteKey SiteKey::generate(const SiteId& site) {
    std::array<std::byte, size> random;
    fill_with_random(random);
    SiteKey key(site, Secret(text_of(random)));
    ::explicit_bzero(random.data(), random.size());
    return key;
}

SiteKey SiteKey::load(const std::filesystem::path& path) { return parse(Secret::line_of(path).text(), path.native()); }

SiteKey SiteKey::parse(std::string_view line, std::string_view name) {
    const auto words = split(line.ends_with('\n') ? line.substr(0, line.size() - 1) : line, ' ');
    const auto site = words.size() == 3 && words[0] == first_word ? SiteId::parse(words[1]) : std::nullopt;
    auto key = site ? secret_from_hex(words[2], size) : std::nullopt;
    if (!key) throw refusal(name);
    return {*site, std::move(*key)};
}

void SiteKey::save_new(const std::filesystem::path& path) const {
    Fd file = open_file(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    write_all(file.get(), text().text(), path.native());
    file.close();
}

Secret SiteKey::text() const {
    const Secret digits = hex_of(bytes_);
    std::string line = fmt::format("{} {} {}\n", first_word, site_.text(), digits.text());
    Secret text(line);
    ::explicit_bzero(line.data(), line.size());
    return text;
}

KeyId SiteKey::id() const { return key_id_of(derive(beacon_key_info, size)); }

KeyId key_id_of(const Secret& beacon_key) {
    KeyId id;
    std::ranges::copy(hkdf_sha256(bytes_of(beacon_key.text()), id_info, id.bytes.size()), id.bytes.begin());
    return id;
}

Secret SiteKey::derive(std::string_view info, std::size_t bytes) const {
    Bytes derived = hkdf_sha256(bytes_of(bytes_.text()), info, bytes);
    Secret secret(text_of(derived));
    ::explicit_bzero(derived.data(), derived.size());
    return secret;
}

} // namespace ashlar::site
