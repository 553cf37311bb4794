// Whatever is written, a position leads back to it.

#include <toml/value.hpp>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <vector>

using namespace ashlar;

namespace {

// The run of code points that a position names.
std::string at(const toml::Position& position) {
    std::string text;
    std::size_t column = 0;
    for (const char byte : position.source->line(position.line)) {
        if ((static_cast<unsigned char>(byte) & 0xC0) != 0x80) ++column;
        if (column >= position.column && column < position.column + position.length) text += byte;
    }
    return text;
}

rc::Gen<std::string> literals() {
    const auto letters = rc::gen::element<std::string>("a", "Z", "0", " ", "\t", "#", "=", "]", ",", "'", "\\\"",
                                                       "\\\\", "é", "ß", "漢", "😀");
    return rc::gen::map(rc::gen::container<std::vector<std::string>>(letters),
                        [](const std::vector<std::string>& parts) {
                            std::string literal = "\"";
                            for (const auto& part : parts) literal += part;
                            return literal + '"';
                        });
}

} // namespace

RC_GTEST_PROP(Positions, LeadBackToEachElementAsWritten, ()) {
    const auto written = *rc::gen::container<std::vector<std::string>>(literals());
    const auto separators = *rc::gen::container<std::vector<std::string>>(
        written.size(), rc::gen::element<std::string>(", ", ",", ",\n", ",\r\n\t", ", # ä\n  "));
    std::string text = "\n[table]\n  \"kéy\" = [";
    for (std::size_t i = 0; i < written.size(); ++i) text += written[i] + separators[i];
    const auto root = toml::parse(toml::source_from_text("x", text + "]\n"));

    const auto& table = std::get<toml::Entries>(root.data).at(0);
    RC_ASSERT(at(table.position) == "table");
    const auto& entry = std::get<toml::Entries>(table.value.data).at(0);
    RC_ASSERT(at(entry.position) == "\"kéy\"");
    const auto& list = std::get<toml::List>(entry.value.data);
    RC_ASSERT(list.size() == written.size());
    for (std::size_t i = 0; i < written.size(); ++i) RC_ASSERT(at(list[i].position) == written[i]);
}
