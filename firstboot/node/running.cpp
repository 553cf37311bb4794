#include <node/running.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/text.hpp>

namespace ashlar::node {

Digest running_root_hash(const std::filesystem::path& root) {
    constexpr std::string_view option = "roothash=";
    const std::string content = read_file(root / "proc/cmdline");
    for (const auto word : split(trim(content), ' '))
        if (word.starts_with(option))
            if (const auto hash = Digest::from_hex(word.substr(option.size()))) return *hash;
    throw Error("cannot tell what runs here: the kernel's command line names no root hash", "only images made by `ashlar build` have one");
}

} // namespace ashlar::node
