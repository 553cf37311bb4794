#include <documents/changelog.hpp>
#include <documents/copyright.hpp>

#include <cstdint>
#include <cstdlib>

// What people wrote is never refused, and entries lie in the text in its order.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace ashlar::documents;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    std::size_t line = 0;
    for (const ChangelogEntry& entry : parse_changelog(text)) {
        if (entry.line <= line || entry.text.data() < text.data() || entry.text.data() + entry.text.size() > text.data() + text.size()) std::abort();
        line = entry.line;
        for (const Mention& mention : vulnerabilities_in(entry))
            if (mention.text.find(mention.id) == std::string::npos) std::abort();
    }
    for (const auto& expression : parse_copyright(text).expressions) {
        if (names_in(expression).empty()) continue;
        if (!satisfied(expression, [](const std::string&) { return true; })) std::abort();
        if (satisfied(expression, [](const std::string&) { return false; })) std::abort();
    }
    return 0;
}
