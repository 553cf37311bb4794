#pragma once

// What is asked of a voter, and what it answers. docs/formats/voters-interface.md. Pure.

#include <base/json.hpp>
#include <certificates/bearer.hpp>
#include <signing/bytes.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace ashlar::voters {

enum class Reason {
    malformed,   // no request, or not in its form
    unknown_ask,
    not_allowed, // who asks may not
    not_member,  // who asks is nobody of this site, or is no more
    to_wipe,     // the same, and it is to erase what it has: two persons ordered it
    not_found,   // what it is about is not there
    not_now,     // it is there, and is not in a state for this
    takes_two,   // one person alone may not
    too_many,
    unavailable, // the site's etcd does not answer; nothing was done
    unknown,     // whether it was done, nobody knows: look before asking again
};
[[nodiscard]] std::string_view name_of(Reason reason); // "takes-two"
[[nodiscard]] std::optional<Reason> reason_named(std::string_view name);

struct Refusal {
    Reason reason;
    std::string text;                 // one sentence
    std::vector<std::string> details; // lines that explain it
    bool operator==(const Refusal&) const = default;
};

// ---- The table ---------------------------------------------------------------------------------

enum class Kind {
    text,
    number,      // whole, from 0 on
    bytes,       // base64, of one or more
    maybe_bytes, // base64, or null
    files,       // an object of file names and bytes
    object,      // the parameters of another ask
};
struct Parameter {
    std::string name;
    Kind kind;
};

enum class Nodes { no, yes };
enum class Persons {
    one,
    two,       // always
    depending, // on what it changes
};

// Each parameter must be there, and no other is.
struct Ask {
    std::string name;
    Nodes nodes = Nodes::no;                  // whether members of the site may ask it
    std::optional<certificates::Right> right; // of operators who may; none: no operator may
    std::vector<Parameter> parameters;
    Persons persons = Persons::one;
};
using Asks = std::map<std::string, Ask, std::less<>>;
// What every voter knows.
[[nodiscard]] const Asks& built_in_asks();

// ---- Messages ----------------------------------------------------------------------------------

struct Request {
    std::string ask;
    Json parameters = Json::object();

    // Of a request that was read, or made, in the form of its ask.
    [[nodiscard]] std::string text(const std::string& name) const { return parameters.at(name).get<std::string>(); }
    [[nodiscard]] std::uint64_t number(const std::string& name) const { return parameters.at(name).get<std::uint64_t>(); }
    [[nodiscard]] Bytes bytes(const std::string& name) const;
    [[nodiscard]] std::optional<std::string> maybe_bytes(const std::string& name) const;
    [[nodiscard]] std::map<std::string, std::string> files(const std::string& name) const;
    bool operator==(const Request&) const = default;
};

[[nodiscard]] std::variant<Request, Refusal> request_in(const Json& message, const Asks& asks);
// The parameters alone, as `proposal.make` has them.
[[nodiscard]] std::variant<Request, Refusal> request_of(const std::string& ask, const Json& parameters, const Asks& asks);
[[nodiscard]] Json message_of(const Request& request);

[[nodiscard]] Json answered(const Json& answer);
[[nodiscard]] Json refused(const Refusal& refusal);
// The other side: an Error for what is neither.
[[nodiscard]] std::variant<Json, Refusal> answer_in(const Json& message);

// Text as a frame takes it: no control characters, at most `most` bytes.
[[nodiscard]] std::string one_line(std::string_view text, std::size_t most = 400);
// Bytes as they stand in messages; none are "".
[[nodiscard]] Json base64_of(std::string_view bytes);
[[nodiscard]] std::optional<Bytes> bytes_in(const Json& value);

} // namespace ashlar::voters
