#include "fields.hpp"

#include <fmt/format.h>

namespace ashlar::tuf {

MetadataError malformed(std::string_view file, std::string_view cause) {
    return {Fault::malformed, fmt::format("cannot read '{}': {}", file, cause), "is it release metadata, and complete?"};
}

Fields::Fields(const Json& json, std::string_view file, std::string place) : json_(json), file_(file), place_(std::move(place)) {
    if (!json.is_object()) throw malformed(file_, fmt::format("'{}' is not an object", place_));
}

void Fields::refuse(std::string_view key, std::string_view cause) const { throw malformed(file_, fmt::format("'{}' {}", place_of(key), cause)); }

const Json& Fields::at(std::string_view key) const {
    const auto found = json_.find(key);
    if (found == json_.end()) refuse(key, "is missing");
    return *found;
}

const std::string& Fields::text(std::string_view key) const {
    const Json& value = at(key);
    if (!value.is_string()) refuse(key, "is no text");
    return value.get_ref<const std::string&>();
}

std::uint64_t Fields::number(std::string_view key) const {
    const Json& value = at(key);
    if (!value.is_number_unsigned()) refuse(key, "is no number from 0 on");
    return value.get<std::uint64_t>();
}

std::uint64_t Fields::positive(std::string_view key) const {
    const Json& value = at(key);
    if (!value.is_number_unsigned() || value == 0U) refuse(key, "is no number from 1 on");
    return value.get<std::uint64_t>();
}

bool Fields::boolean(std::string_view key) const {
    const Json& value = at(key);
    if (!value.is_boolean()) refuse(key, "is neither true nor false");
    return value.get<bool>();
}

Time Fields::time(std::string_view key) const {
    const auto read = time_of(text(key));
    if (!read) refuse(key, "is no time such as 2026-11-30T08:00:00Z");
    return *read;
}

std::vector<std::string> Fields::texts(std::string_view key) const {
    std::vector<std::string> read;
    for (const Json& each : list(key)) {
        if (!each.is_string()) refuse(key, "has a member that is no text");
        read.push_back(each.get<std::string>());
    }
    return read;
}

Fields Fields::object(std::string_view key) const { return {at(key), file_, place_of(key)}; }

const Json& Fields::list(std::string_view key) const {
    const Json& value = at(key);
    if (!value.is_array()) refuse(key, "is no list");
    return value;
}

} // namespace ashlar::tuf
