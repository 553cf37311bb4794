#pragma once

// Takes out of a text what nobody else may see. Pure.
//
// It is the second wall: what is collected is chosen so that there is nothing to take out. docs/guides/support.md.

#include <set>
#include <string>
#include <string_view>

namespace ashlar::rescue {

class Redaction {
public:
    static constexpr std::size_t shortest = 16; // characters: what is shorter stands in texts by chance
    static constexpr std::string_view mark = "[removed]";

    // This text, wherever it stands.
    void hide(std::string_view secret);
    // Of a file that a formation rendered with secrets: whatever in it looks like one (as formations write them: hexadecimal or base64),
    // unless it stands in `known`, which anybody may read; and each line of private keys.
    void hide_what_looks_secret_in(std::string_view text, std::string_view known);

    // Without private keys in PEM, hashes of passwords (crypt(5)), and all that is hidden.
    [[nodiscard]] std::string clean(std::string text) const;

private:
    std::set<std::string, std::less<>> hidden_;
};

} // namespace ashlar::rescue
