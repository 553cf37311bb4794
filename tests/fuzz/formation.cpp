// Formations from memory: whatever the text, it is a formation whose conditions can be evaluated, or a SourceError whose
// text can be shown.

#include <formation/reader.hpp>

#include <cstdint>
#include <cstdlib>
#include <string>

using namespace ashlar;

namespace {

void evaluate(const formation::Formation& formation) {
    const formation::Names nothing = Json::object();
    (void)formation.healthy.holds(nothing);
    for (const auto& step : formation.steps) {
        (void)step.deed.when.holds(nothing);
        (void)step.deed.verify.holds(nothing);
        for (const auto& word : step.deed.run) (void)word.fill(nothing);
    }
    for (const auto& render : formation.renders) (void)render.text.fill(nothing);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    try {
        evaluate(formation::read_formation(toml::source_from_text("fuzz.toml", text), "fuzz"));
    } catch (const toml::SourceError& error) {
        if (error.message().empty() || error.diagnostics().empty()) std::abort();
    }
    return 0;
}
