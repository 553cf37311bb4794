#include "accounts.hpp"

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/text.hpp>

#include <fmt/format.h>

namespace ashlar::node {

namespace {

// passwd(5) and group(5): the name is the first field, the number the third.
std::map<std::string, unsigned> numbers(const std::filesystem::path& file) {
    std::map<std::string, unsigned> found;
    const std::string text = read_file(file);
    for (const auto line : split(text, '\n')) {
        const auto fields = split(line, ':');
        if (fields.size() > 2) found.emplace(fields[0], static_cast<unsigned>(std::stoul(std::string(fields[2]))));
    }
    return found;
}

unsigned number(const std::map<std::string, unsigned>& all, const std::string& name, std::string_view kind) {
    const auto found = all.find(name);
    if (found == all.end()) throw Error(fmt::format("cannot find the {} '{}': the image does not have it", kind, name));
    return found->second;
}

} // namespace

Accounts::Accounts(const std::filesystem::path& root) : users_(numbers(root / "etc/passwd")), groups_(numbers(root / "etc/group")) {}

std::pair<uid_t, gid_t> Accounts::owner(const std::string& names) const {
    const auto colon = names.find(':');
    return {number(users_, names.substr(0, colon), "user"), number(groups_, colon == std::string::npos ? names : names.substr(colon + 1), "group")};
}

} // namespace ashlar::node
