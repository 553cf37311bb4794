#pragma once

// What no file shows by itself: formations that name one another, the roles that carry them, and the root that is made of
// all that. Everything that is wrong goes to `problems`, with its place.

#include <formation/reader.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace ashlar::formation {

// Names that are required and not there, facts and secrets that nobody makes or that are not for this one, and circles of
// requirements.
void check_together(const Formations& all, toml::Problems& problems);

struct CarryingRole {
    std::string name;
    std::vector<std::string> lineage; // from the root ancestor to this role
    std::vector<std::string> carried; // formations, with those of ancestors
    toml::Position position;          // of the file
};
// `roles`: every role that becomes an image of a train. `known`: all roles that there are.
//
// A formation runs on a role of a train; who runs it carries it; who carries it runs it, or another that it carries requires
// it; who carries it carries what it requires; two formations of one role do not listen in the same place.
void check_roles(const Formations& all, const std::vector<CarryingRole>& roles, const std::vector<std::string>& known, toml::Problems& problems);

// The assembled root of a role, asked by path in the image.
class Root {
public:
    virtual ~Root() = default;
    [[nodiscard]] virtual bool has_unit(std::string_view unit) const = 0;
    [[nodiscard]] virtual bool has_program(std::string_view path) const = 0;
    [[nodiscard]] virtual bool has_user(std::string_view name) const = 0;
    [[nodiscard]] virtual bool has_group(std::string_view name) const = 0;
    [[nodiscard]] virtual std::vector<std::string> units() const = 0; // for did-you-mean
};
// Units, programs and owners that the root has not.
void check_root(const Formation& formation, const Root& root, toml::Problems& problems);

} // namespace ashlar::formation
