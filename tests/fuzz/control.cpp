// Control data, dependencies, versions and Release from a stranger: an Error or an answer, nothing else.

#include <debian/control.hpp>
#include <debian/package.hpp>
#include <debian/release.hpp>
#include <debian/universe.hpp>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

using namespace ashlar;

namespace {

template <typename Body> void allow_error(Body body) {
    try {
        body();
    } catch (const Error&) {
        // A refusal is a fine answer.
    }
}

void read_paragraphs(std::string_view text) {
    debian::ControlReader reader(text, "fuzz");
    debian::Paragraph paragraph;
    while (reader.next(paragraph))
        for (const debian::Field& field : paragraph.fields()) {
            (void)debian::fold_lines(field.value);
            allow_error([&] {
                for (const auto& group : debian::parse_groups(field.value))
                    // What was read can be written and read again.
                    if (debian::parse_groups(debian::to_string(group)).front() != group) std::abort();
            });
        }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    allow_error([&] { read_paragraphs(text); });
    allow_error([&] { (void)debian::parse_release(text, "fuzz"); });
    allow_error([&] {
        debian::Universe universe("amd64");
        universe.add_text(std::string(text), "fuzz", {.archive = "debian", .suite = "trixie"});
        for (const std::string_view name : universe.names()) (void)universe.mention_rank(name);
    });
    const std::string_view half = text.substr(size / 2);
    if ((debian::compare_versions(text, half) < 0) != (debian::compare_versions(half, text) > 0)) std::abort();
    return 0;
}
