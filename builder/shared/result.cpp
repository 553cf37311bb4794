#include "result.hpp"

#include <base/error.hpp>
#include <base/json.hpp>

#include <fmt/format.h>

namespace ashlar::shared {

namespace {

Digest digest_in(const Json& record, const char* key) {
    const auto digest = Digest::from_hex(record.at(key).get<std::string>());
    if (!digest) throw Error(fmt::format("'{}' is no SHA-256", key));
    return *digest;
}

Result read(const Json& record) {
    if (!record.is_object() || record.size() != 5 || record.at("format") != 1) throw Error("not a record of format 1");
    if (!record.at("size").is_number_unsigned()) throw Error("'size' is no size");
    return {record.at("stage").get<std::string>(), digest_in(record, "key"), digest_in(record, "packed"),
            record.at("size").get<std::uint64_t>()};
}

} // namespace

std::string to_text(const Result& result) {
    return pretty(Json{{"format", 1},
                       {"stage", result.stage},
                       {"key", result.key.hex()},
                       {"packed", result.packed.hex()},
                       {"size", result.size}});
}

Result parse_result(std::string_view text, std::string_view name, std::string_view stage, const Digest& key) {
    const auto refuse = [&](std::string_view cause) { return Error(fmt::format("cannot read '{}': {}", name, cause)); };
    const Json record = parse_json(text, name);
    try {
        Result result = read(record);
        if (result.stage != stage || result.key != key) throw Error("it is the record of another result");
        return result;
    } catch (const Json::exception&) {
        throw refuse("not a record of format 1");
    } catch (const Error& error) {
        throw refuse(error.message());
    }
}

} // namespace ashlar::shared
