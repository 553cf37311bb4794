#include <tuf/metadata.hpp>

#include <utility>


namespace ashlar::tuf {

namespace {

void write(std::string& out, const Json& value);

void write_text(std::string& out, std::string_view text) {
    out += '"';
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    out += '"';
}

// A JSON object here is a std::map: its members come sorted by the bytes of their names.
void write_object(std::string& out, const Json::object_t& object) {
    out += '{';
    for (bool first = true; const auto& [name, value] : object) {
        if (!std::exchange(first, false)) out += ',';
        write_text(out, name);
        out += ':';
        write(out, value);
    }
    out += '}';
}

void write_list(std::string& out, const Json::array_t& list) {
    out += '[';
    for (bool first = true; const Json& value : list) {
        if (!std::exchange(first, false)) out += ',';
        write(out, value);
    }
    out += ']';
}

void write(std::string& out, const Json& value) {
    switch (value.type()) {
    case Json::value_t::null: out += "null"; return;
    case Json::value_t::boolean: out += value.get<bool>() ? "true" : "false"; return;
    case Json::value_t::number_integer: out += std::to_string(value.get<std::int64_t>()); return;
    case Json::value_t::number_unsigned: out += std::to_string(value.get<std::uint64_t>()); return;
    case Json::value_t::string: write_text(out, value.get_ref<const std::string&>()); return;
    case Json::value_t::object: write_object(out, value.get_ref<const Json::object_t&>()); return;
    case Json::value_t::array: write_list(out, value.get_ref<const Json::array_t&>()); return;
    default: throw Error("cannot write 'canonical JSON': a number is not an integer");
    }
}

} // namespace

std::string canonical_json(const Json& value) {
    std::string out;
    write(out, value);
    return out;
}

} // namespace ashlar::tuf
