#pragma once

// What a formation says: recipes/formations/<name>.toml, docs/formats/formation.md. Immutable once read.

#include <formation/expression.hpp>
#include <formation/template.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace ashlar::formation {

using Duration = std::chrono::milliseconds;
using toml::Text;

// What a formation may require that no formation makes.
inline constexpr std::string_view time_is_sane = "time", has_certificate = "site-ca", store_answers = "store";
inline constexpr std::array built_in_requirements{time_is_sane, has_certificate, store_answers};

// On which nodes it runs: those of the roles, and of what extends them, by their place in the site's order.
struct Placement {
    std::vector<Text> roles;
    enum class Among { nodes, voters } among = Among::nodes;
    std::optional<unsigned> count; // at most so many; absent: all
};

// Something that the site knows of the service.
struct Fact {
    Text name;
    // Made once in the life of the site, by whichever node is first.
    enum class Making { identifier, uuid };
    // Or first seen by a node that formed the service, and from then on the same in every observation.
    std::variant<Making, Expression> source;
};

// Random, made once, and again only when somebody asks for it; or what a person gives.
struct Secret {
    Text name;
    unsigned size = 32; // bytes of randomness
    enum class Form { hex, base64 } form = Form::hex;
    std::vector<Text> also; // formations that may read it beside this one
    enum class Given { text, certificate }; // certificate: as <signing/served_certificate.hpp> has it
    std::optional<Given> given = std::nullopt; // size and form mean nothing then
};

// Text made of a list, for there are no loops: each item filled in, and joined.
struct Listing {
    Text name;
    struct Members {}; // where this formation is placed
    struct Others {};  // the same without this node
    struct All {};     // nodes of the site
    struct Placed {    // where another formation is placed
        std::string formation;
    };
    struct Named { // a list of texts by its name
        std::string path;
    };
    std::variant<Members, Others, All, Placed, Named> of;
    std::optional<Expression> where; // of which items; absent: of all
    Template item;
    std::string separator;
};

// That this service speaks TLS: each node on which it runs has a key and a certificate of the site's authority for it.
struct Certificate {
    toml::Position position;
    bool is_for_vip = false; // the site's virtual addresses stand in it as well
};

struct Render {
    Text path; // absolute, below /run or /etc
    std::string owner, group;
    unsigned mode = 0;
    Template text;
    bool has_secrets = false;
    std::vector<Text> reload, restart; // when the file has become another
    bool is_optional = false;          // while something that it names is absent, it is left out, and nothing waits
};

struct Observation {
    std::vector<Template> argv;
    Duration timeout{};
    Duration every{}; // how long an observation of what is formed is good
    struct Value {
        Text name;
        Symbol symbol;
    };
    std::vector<Value> prints;
};

// Does something, and how it shows that it is done.
struct Deed {
    toml::Position position;
    std::string summary; // for people: "creates the cluster"
    Expression when;
    std::vector<Template> run; // or
    std::vector<Text> start;   // units
    Duration timeout{};        // for the run, and for `verify` to come true
    Expression verify;
};

struct Step {
    Text id;
    enum class Kind {
        local,  // on each node for itself
        once,   // in the life of the site
        serial, // one node at a time
    } kind = Kind::local;
    Deed deed;
};
[[nodiscard]] std::string_view name_of(Step::Kind kind) noexcept;

// Shows that the service does its work, and not only that it is there. Run when a person asks (`ashlarctl verify`), on nodes where it is placed.
struct Check {
    Text id;
    std::string summary;       // for people, what is true then: "an object is put and read again"
    std::vector<Template> run; // exit code 0: it is so
    Duration timeout{};
};

struct Port {
    toml::Position position;
    unsigned number = 0, last = 0; // the same where it is one
    std::string protocol, plane; // "tcp", "management"
    std::string open_to;         // "nodes" of the site, or "everyone" who reaches the plane
    std::string summary;
    // "80", or "6800-7055"
    [[nodiscard]] std::string numbers() const { return last == number ? std::to_string(number) : std::to_string(number) + "-" + std::to_string(last); }
};

struct Formation {
    std::string name, summary;
    toml::Position position; // the file as a whole
    Placement placement;
    std::vector<Text> requires_; // formations, and built-in requirements
    std::vector<Text> units;     // that it starts, and that nobody else does
    std::vector<Port> ports;
    std::vector<Fact> facts;
    std::vector<Secret> secrets;
    std::optional<Certificate> certificate;
    std::vector<Listing> listings;
    std::vector<Render> renders;
    Observation observation;
    std::vector<Step> steps; // the first whose condition holds is next
    // This node has the service's data. Absent: it has none that matters.
    std::optional<Expression> present;
    Expression healthy;
    // On a node whose data is gone although the site says it was formed: the service forgets the member it was.
    std::optional<Deed> replace;
    // On a member, for each node that left the site: `gone.id`, `gone.name`, `gone.address`.
    std::optional<Deed> remove;
    std::vector<Check> checks; // the plainest first
    std::vector<Reference> references; // to what other formations make

    [[nodiscard]] bool is_formed_once() const; // it has a step of that kind
    [[nodiscard]] const Fact* fact(std::string_view fact_name) const;
    [[nodiscard]] const Secret* secret(std::string_view secret_name) const;
};

} // namespace ashlar::formation
