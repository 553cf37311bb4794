#include <base/json.hpp>

#include <base/error.hpp>

#include <cstdint>
#include <limits>
#include <vector>

#include <fmt/format.h>

namespace ashlar {

namespace {

// Whoever walks through a value does so by recursion.
constexpr std::size_t deepest = 100;

bool too_deep(std::string_view text) {
    std::size_t depth = 0;
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (quoted && c == '\\') ++i;
        else if (c == '"') quoted = !quoted;
        else if (!quoted && (c == '[' || c == '{')) {
            if (++depth > deepest) return true;
        } else if (!quoted && (c == ']' || c == '}') && depth > 0) --depth;
    }
    return false;
}

// What nlohmann's parser tells as it reads, and the value that comes of it. Its own builder keeps the last of two members.
class StrictReader {
public:
    explicit StrictReader(std::string_view name) : name_(name) {}
    [[nodiscard]] Json&& value() { return std::move(top_); }

    bool null() { return put(nullptr); }
    bool boolean(bool value) { return put(value); }
    bool number_integer(std::int64_t value) { return put(value); }
    bool number_unsigned(std::uint64_t value) {
        if (value > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) refuse(fmt::format("the number {} needs more than 63 bits", value));
        return put(value);
    }
    bool number_float(double, const std::string& text) { refuse(fmt::format("the number {} is no integer of 63 bits", text)); }
    bool string(std::string& value) { return put(std::move(value)); }
    bool binary(Json::binary_t&) { refuse("there are no binary values in JSON"); }

    bool start_object(std::size_t) { return open(Json::object()); }
    bool start_array(std::size_t) { return open(Json::array()); }
    bool end_object() { return close(); }
    bool end_array() { return close(); }
    bool key(std::string& name) {
        const auto [place, added] = open_.back()->get_ref<Json::object_t&>().try_emplace(name);
        if (!added) refuse(fmt::format("the member '{}' stands there twice", name));
        member_ = &place->second;
        return true;
    }
    bool parse_error(std::size_t, const std::string&, const Json::exception& error) { refuse(error.what()); }

private:
    [[noreturn]] void refuse(std::string_view cause) const { throw Error(fmt::format("cannot parse '{}': {}", name_, cause)); }

    // Where the next value goes.
    Json& place() {
        if (open_.empty()) return top_;
        return open_.back()->is_array() ? open_.back()->emplace_back() : *member_;
    }
    bool put(Json value) {
        place() = std::move(value);
        return true;
    }
    bool open(Json empty) {
        if (open_.size() == deepest_json) refuse(fmt::format("it is nested deeper than {} levels", deepest_json));
        Json& where = place();
        where = std::move(empty);
        open_.push_back(&where);
        return true;
    }
    bool close() {
        open_.pop_back();
        return true;
    }

    std::string_view name_;
    Json top_;
    std::vector<Json*> open_; // a list grows only while none of its elements is open
    Json* member_ = nullptr;
};

} // namespace

Json parse_json(std::string_view text, std::string_view name) {
    if (too_deep(text)) throw Error(fmt::format("cannot parse '{}': it has more than {} lists and objects in each other", name, deepest));
    try {
        return Json::parse(text);
    } catch (const Json::exception& error) { // a number that no double holds is no parse_error
        throw Error(fmt::format("cannot parse '{}': {}", name, error.what()));
    }
}

Json parse_strict_json(std::string_view text, std::string_view name) {
    // Both would pass silently: the parser skips a mark, and takes a NUL for the end.
    if (text.starts_with("\xef\xbb\xbf")) throw Error(fmt::format("cannot parse '{}': it begins with a byte order mark", name));
    if (text.find('\0') != text.npos) throw Error(fmt::format("cannot parse '{}': there is a NUL in it", name));
    StrictReader reader(name);
    Json::sax_parse(text, &reader);
    return reader.value();
}

std::string pretty(const Json& value) { return value.dump(2) + "\n"; }

} // namespace ashlar
