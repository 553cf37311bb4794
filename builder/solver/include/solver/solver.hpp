#pragma once

// From what a role asks for to the complete set of packages.
//
// A depth-first walk chooses as APT does with nothing installed; libsolv then proves the set
// consistent. Where the walk's choices run into a conflict, libsolv looks for another set that keeps
// as many of them as it can. docs/decisions/0002-resolver.md has the rules and the reasons.
//
// "It cannot be" is an answer and comes back as a Conflict; an Error means a malformed index.

#include <debian/universe.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace ashlar::solver {

struct Wanted {
    std::string name;                   // of a package, or of something that exactly one package provides
    std::optional<std::string> version; // exactly this one, whatever the pins say

    // "name" or "name=version", as recipes write it.
    [[nodiscard]] static Wanted parse(std::string_view text);
};

enum class StrictProviders { no, yes };

// What every root has without being asked.
enum class Foundation {
    required,  // Essential: yes and Priority: required
    essential, // Essential: yes
    none
};

struct Request {
    std::string role;                  // for messages
    std::vector<Wanted> packages;      // in order: the order decides between equals
    std::vector<std::string> excludes; // as if no archive had them
    // What is needed → who shall provide it, also where a group names something else first.
    std::map<std::string, std::string> providers;
    // yes: where only APT's last tie-break decides between providers, the answer is a Conflict that asks
    // for `providers.<name>`. no: APT's choice and a note.
    StrictProviders strict_providers = StrictProviders::no;
    debian::Components components = debian::Components::main_and({});
    Foundation foundation = Foundation::required;
};

struct Choice {
    const debian::Package* package = nullptr;
    // Whose need it was; null: asked for, or part of the foundation.
    const debian::Package* because_of = nullptr;
    // The need as written, "Depends: default-mta | mail-transport-agent"; or "asked for", "essential",
    // "required".
    std::string group;
};

struct Solution {
    std::vector<Choice> choices;    // each package once, in the order in which the walk took them
    std::vector<std::string> notes; // what a reader of the plan should know, a sentence each

    [[nodiscard]] const Choice* find(std::string_view name) const;
};

// A statement and the statements that it follows from.
struct Reason {
    std::string text;
    std::vector<Reason> because;
    bool operator==(const Reason&) const = default;
};

struct Conflict {
    std::vector<Reason> reasons; // each alone, or all of them together, are enough to make it impossible
    std::string hint;            // what may be done about it; may be empty
    // What of the request it is about, for those who know where that was written: the first one of
    // Request::packages that takes part, or the key of Request::providers; neither where only the
    // foundation is.
    std::optional<std::size_t> wish;
    std::optional<std::string> provider;
    // The reasons as a tree of lines; no final line end.
    [[nodiscard]] std::string render() const;
};

[[nodiscard]] std::variant<Solution, Conflict> resolve(const debian::Universe& universe, const Request& request);

// From the asked-for (or foundation) package to `name`, which comes last. Empty when it is not in.
[[nodiscard]] std::optional<std::vector<Choice>> why(const Solution& solution, std::string_view name);
// The chain as lines, for people; no final line end.
[[nodiscard]] std::string render(const std::vector<Choice>& chain);

// Nothing keeps the package out: nobody needs it.
struct NotNeeded {
    const debian::Package* package = nullptr; // what asking for it would install
    // Who would have been content with it, and what satisfied that need instead:
    // "'linux-image-amd64' needs 'initramfs-tools | linux-initramfs-tool' and has 'initramfs-tools'".
    std::vector<std::string> passed_over;
    [[nodiscard]] std::string render() const;
};

// Why `name` is not in the answer to `request`.
[[nodiscard]] std::variant<NotNeeded, Conflict> why_not(const debian::Universe& universe, const Request& request,
                                                        std::string_view name);

} // namespace ashlar::solver
