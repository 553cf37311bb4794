#pragma once

// Which role extends which. The recipes say it, and every image with formations carries it, so that a node can tell of each other
// node what runs there: docs/formats/formation.md, "role.json".

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::formation {

class RoleGraph {
public:
    using Parents = std::map<std::string, std::vector<std::string>, std::less<>>;

    RoleGraph() = default; // knows none
    // What each role extends by itself. Error for one that extends what is not there, and for one that extends itself, however
    // far round.
    explicit RoleGraph(Parents parents);

    [[nodiscard]] bool knows(std::string_view role) const { return parents_.contains(role); }
    // The role and all that it extends, what is extended before what extends it. Of one that is not known: nothing.
    [[nodiscard]] std::vector<std::string> lineage(std::string_view role) const;
    [[nodiscard]] bool extends(std::string_view role, std::string_view other) const; // however far; not itself
    [[nodiscard]] std::vector<std::string> names() const;
    [[nodiscard]] const Parents& parents() const noexcept { return parents_; }

private:
    void gather(const std::string& role, std::set<std::string>& under_way, std::vector<std::string>& lineage) const;

    Parents parents_;
};

// role.json of an image.
struct ImageRoles {
    std::string role; // the image's own, which the graph knows
    RoleGraph graph;
};
[[nodiscard]] std::string text_of(const ImageRoles& roles);
// Error when it is not in order; `shown` is what it is called there.
[[nodiscard]] ImageRoles read_roles(std::string_view text, std::string_view shown);

} // namespace ashlar::formation
