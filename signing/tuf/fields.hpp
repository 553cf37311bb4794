#pragma once

// Private: the members of a JSON object, asked for by type. What is missing or of another type is a MetadataError (malformed)
// that names the file and the place in it. What nobody asks for is let be: it is signed, and others may mean something by it.

#include <tuf/metadata.hpp>

#include <string>
#include <string_view>

namespace ashlar::tuf {

[[nodiscard]] MetadataError malformed(std::string_view file, std::string_view cause);

class Fields {
public:
    // `json` and `file` must outlive it. `place`: "signed.roles".
    Fields(const Json& json, std::string_view file, std::string place);

    [[nodiscard]] bool has(std::string_view key) const { return json_.contains(key); }
    [[nodiscard]] const std::string& text(std::string_view key) const;
    [[nodiscard]] std::uint64_t number(std::string_view key) const;   // from 0 on
    [[nodiscard]] std::uint64_t positive(std::string_view key) const; // from 1 on
    [[nodiscard]] bool boolean(std::string_view key) const;
    [[nodiscard]] Time time(std::string_view key) const;
    [[nodiscard]] std::vector<std::string> texts(std::string_view key) const;
    [[nodiscard]] Fields object(std::string_view key) const;
    [[nodiscard]] const Json& list(std::string_view key) const;
    [[nodiscard]] const Json& at(std::string_view key) const;

    [[nodiscard]] const Json& json() const noexcept { return json_; }
    [[nodiscard]] std::string_view file() const noexcept { return file_; }
    [[nodiscard]] std::string place_of(std::string_view key) const { return place_ + "." + std::string(key); }
    [[noreturn]] void refuse(std::string_view key, std::string_view cause) const;

private:
    const Json& json_;
    std::string_view file_;
    std::string place_;
};

} // namespace ashlar::tuf
