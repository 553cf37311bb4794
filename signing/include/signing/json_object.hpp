#pragma once

// Strict reading of JSON, as formats share it: every key is asked for, and no other is there.

#include <base/error.hpp>
#include <base/json.hpp>
#include <signing/base64.hpp>
#include <signing/digest.hpp>

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace ashlar {

// Which text is read, for its errors: `cannot read the <kind> '<name>': <cause>`.
struct JsonDocument {
    std::string_view kind;
    std::string_view name;
    std::string_view remedy;

    [[nodiscard]] Error refusal(std::string_view cause) const {
        return Error(fmt::format("cannot read the {} '{}': {}", kind, name, cause), std::string(remedy));
    }
};

class JsonObject {
public:
    JsonObject(const Json& json, const JsonDocument& document, std::string place)
        : json_(json), document_(document), place_(std::move(place)) {
        if (!json.is_object()) throw document_.refusal(place_ + " is not an object");
        for (const auto& [key, value] : json.items()) left_.insert(key);
    }

    [[nodiscard]] const Json& at(const std::string& key) {
        left_.erase(key);
        if (!json_.contains(key)) throw refusal(fmt::format("'{}' is missing", key));
        return json_.at(key);
    }
    [[nodiscard]] bool has(const std::string& key) const { return json_.contains(key); }
    [[nodiscard]] std::string text(const std::string& key) {
        const Json& value = at(key);
        if (!value.is_string() || value.get_ref<const std::string&>().empty()) throw refusal(fmt::format("'{}' is no text", key));
        return value.get<std::string>();
    }
    [[nodiscard]] std::uint64_t number(const std::string& key) {
        const Json& value = at(key);
        if (!value.is_number_unsigned()) throw refusal(fmt::format("'{}' is no number from 0 on", key));
        return value.get<std::uint64_t>();
    }
    [[nodiscard]] bool boolean(const std::string& key) {
        const Json& value = at(key);
        if (!value.is_boolean()) throw refusal(fmt::format("'{}' is neither true nor false", key));
        return value.get<bool>();
    }
    [[nodiscard]] Digest digest(const std::string& key) {
        const auto found = Digest::from_hex(text(key));
        if (!found) throw refusal(fmt::format("'{}' is no SHA-256 digest", key));
        return *found;
    }
    // Base64 of 1 byte or more.
    [[nodiscard]] Bytes bytes(const std::string& key) {
        auto found = from_base64(text(key));
        if (!found) throw refusal(fmt::format("'{}' is not base64", key));
        return std::move(*found);
    }
    // <base/id.hpp>
    template <typename Id> [[nodiscard]] Id id(const std::string& key) {
        const auto found = Id::parse(text(key));
        if (!found) throw refusal(fmt::format("'{}' is no id", key));
        return *found;
    }
    // The one value that a key may have.
    void expect(const std::string& key, const Json& value) {
        if (at(key) != value) throw refusal(fmt::format("'{}' is not {}", key, value.dump()));
    }
    // A file beside the document.
    [[nodiscard]] std::string plain_name(const std::string& key) {
        std::string name = text(key);
        if (name.find('/') != std::string::npos || name.starts_with('.')) throw refusal(fmt::format("'{}' is no plain name", key));
        return name;
    }
    [[nodiscard]] const Json& list(const std::string& key) {
        const Json& value = at(key);
        if (!value.is_array()) throw refusal(fmt::format("'{}' is no list", key));
        return value;
    }
    [[nodiscard]] std::vector<std::string> texts(const std::string& key) {
        std::vector<std::string> texts;
        for (const Json& value : list(key)) {
            if (!value.is_string() || value.get_ref<const std::string&>().empty())
                throw refusal(fmt::format("'{}' holds something that is no text", key));
            texts.push_back(value.get<std::string>());
        }
        return texts;
    }

    void finish() const {
        if (!left_.empty()) throw refusal(fmt::format("unknown key '{}'", *left_.begin()));
    }
    [[nodiscard]] Error refusal(std::string_view cause) const { return document_.refusal(fmt::format("{}: {}", place_, cause)); }

private:
    const Json& json_;
    const JsonDocument& document_;
    std::string place_;
    std::set<std::string> left_;
};

} // namespace ashlar
