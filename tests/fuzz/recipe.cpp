// Recipe loading from memory: whatever the text, it is a role, a train, or a SourceError whose text
// can be shown.

#include <recipe/directory.hpp>

#include <cstdint>
#include <cstdlib>
#include <string>

using namespace ashlar;

namespace {

void check(void (*load)(const toml::SourcePtr&), const std::string& text) {
    try {
        load(toml::source_from_text("fuzz.toml", text));
    } catch (const toml::SourceError& error) {
        if (error.message().empty() || error.diagnostics().empty()) std::abort();
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    check(recipe::check_role_text, text);
    check(recipe::check_train_text, text);
    return 0;
}
