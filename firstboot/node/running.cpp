#include <node/running.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/text.hpp>

#include <algorithm>

namespace ashlar::node {

Digest running_root_hash(const std::filesystem::path& root) {
    constexpr std::string_view option = "roothash=";
    const std::string content = read_file(root / "proc/cmdline");
    for (const auto word : split(trim(content), ' '))
        if (word.starts_with(option))
            if (const auto hash = Digest::from_hex(word.substr(option.size()))) return *hash;
    throw Error("cannot tell what runs here: the kernel's command line names no root hash", "only images made by `ashlar build` have one");
}

bool is_rescue(const std::filesystem::path& root) {
    const std::string content = read_file(root / "proc/cmdline");
    const auto words = split(trim(content), ' ');
    return std::ranges::find(words, "systemd.unit=ashlar-rescue.target") != words.end();
}

Digest rescue_pcr12() {
    // The number of the profile in UTF-16, with its zero.
    constexpr std::string_view number("1\0\0\0", 4);
    Hasher hasher;
    hasher.update(Digest::Bytes{});
    hasher.update(sha256(number).bytes());
    return hasher.finish();
}

} // namespace ashlar::node
