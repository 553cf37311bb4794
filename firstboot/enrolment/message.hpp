#pragma once

// Private to this module: reading messages. What is wrong with one is a JsonRefusal's text, never a failure.

#include <enrolment/application.hpp>

#include <base/error.hpp>
#include <signing/json_object.hpp>

#include <algorithm>

namespace ashlar::enrolment {

inline constexpr JsonDocument document{.kind = "message", .name = "enrolment", .remedy = ""};

[[nodiscard]] inline JsonObject object(const Json& message) { return {message, document, "it"}; }

// What `read` gives, or Refused with the reason of an Error.
template <typename Read> auto reading(Reason reason, Read read) -> std::variant<decltype(read()), Refused> {
    try {
        return read();
    } catch (const Error& error) {
        return Refused{reason, error.message()};
    }
}

[[nodiscard]] inline Nonce nonce_in(JsonObject& message, const std::string& key) {
    const Bytes bytes = message.bytes(key);
    Nonce nonce{};
    if (bytes.size() != nonce.size()) throw message.refusal("a nonce has another length");
    std::ranges::copy(bytes, nonce.begin());
    return nonce;
}

} // namespace ashlar::enrolment
