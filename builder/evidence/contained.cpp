#include "contained.hpp"

#include <map>
#include <set>
#include <tuple>

namespace ashlar::evidence {

std::vector<Contained> contained(const Subject& subject) {
    std::map<std::tuple<std::string, std::string, Digest>, std::pair<const lock::Package*, std::set<std::string>>> all;
    for (const auto& part : subject.parts) {
        for (const auto* package : part.packages) {
            auto& [first, parts] =
                all.try_emplace({package->name, package->version, package->sha256}, package, std::set<std::string>{})
                    .first->second;
            parts.insert(part.name);
        }
    }
    std::vector<Contained> out;
    for (const auto& [key, value] : all) out.push_back({value.first, {value.second.begin(), value.second.end()}});
    return out;
}

} // namespace ashlar::evidence
