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
    // In UTF-16, with their zeros: systemd-boot measures what it hands to the stub, then the stub the number in it.
    constexpr std::string_view options("@\0001\0\0\0", 6), number("1\0\0\0", 4);
    Digest::Bytes value{};
    for (const auto event : {options, number}) {
        Hasher hasher;
        hasher.update(value);
        hasher.update(sha256(event).bytes());
        value = hasher.finish().bytes();
    }
    return Digest(value);
}

} // namespace ashlar::node
