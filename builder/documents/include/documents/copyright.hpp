#pragma once

// The licences in a package's `copyright` file: of the machine-readable form (Debian's "Machine-readable
// debian/copyright file", version 1.0, known as DEP-5) what its License fields say; otherwise the texts in
// /usr/share/common-licenses that it refers to; otherwise nothing.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::documents {

struct Licences {
    // How they were found out; `text_only`: the text is there, and it is for people.
    enum class Form { machine_readable, references, text_only } form = Form::text_only;
    // As the file says them, each once, sorted: "GPL-2+", "Expat or GPL-3+ with OpenSSL exception".
    std::vector<std::string> expressions;
    bool operator==(const Licences&) const = default;
};

// "machine-readable", "references", "text only"
[[nodiscard]] std::string_view name_of(Licences::Form form) noexcept;

// Reads whatever there is, and never fails.
[[nodiscard]] Licences parse_copyright(std::string_view text);

// The short names in an expression, in its order: `and`, `or` and commas join them.
[[nodiscard]] std::vector<std::string> names_in(std::string_view expression);

// Whether one may keep to the expression with licences that `accepted` accepts. `and` binds tighter than
// `or`, a comma before either less than both.
[[nodiscard]] bool satisfied(std::string_view expression, const std::function<bool(const std::string& name)>& accepted);

// Names of the texts in /usr/share/common-licenses that the file refers to, each once, sorted.
[[nodiscard]] std::vector<std::string> common_licences_in(std::string_view text);

} // namespace ashlar::documents
