#include <rescue/redaction.hpp>

#include <base/text.hpp>

#include <algorithm>
#include <array>
#include <cctype>

namespace ashlar::rescue {

namespace {

constexpr std::string_view begin_mark = "-----BEGIN ", end_mark = "-----END ", private_mark = "PRIVATE KEY-----";

bool is_of(char c, std::string_view more) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || more.find(c) != std::string_view::npos; }

bool is_hex(std::string_view word) {
    return word.size() >= 32 && word.size() % 2 == 0 && std::ranges::all_of(word, [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0 || (c >= 'a' && c <= 'f'); });
}
bool is_base64(std::string_view word) {
    const auto has = [&](auto kind) { return std::ranges::any_of(word, [kind](char c) { return kind(static_cast<unsigned char>(c)) != 0; }); };
    return word.size() >= 20 && word.size() % 4 == 0 && has(::isupper) && has(::islower);
}

// From BEGIN to the end of the line's own END, wherever they stand: in JSON they are one line. Without END, to the end of the text.
void remove_private_keys(std::string& text) {
    for (std::size_t at = text.find(begin_mark); at != std::string::npos; at = text.find(begin_mark, at + 1)) {
        const auto kind = text.find(private_mark, at);
        if (kind == std::string::npos) return;
        if (kind - at > 40) continue; // of something else: its own END comes first
        const auto end = text.find(end_mark, kind);
        const auto last = end == std::string::npos ? std::string::npos : text.find("-----", end + end_mark.size());
        text.replace(at, last == std::string::npos ? std::string::npos : last + 5 - at, Redaction::mark);
    }
}

// "$y$j9T$…$…": an id, and then three or more characters of salt.
void remove_password_hashes(std::string& text) {
    constexpr std::array<std::string_view, 10> ids{"$y$", "$gy$", "$7$", "$6$", "$5$", "$2a$", "$2b$", "$2y$", "$1$", "$md5$"};
    for (std::size_t at = text.find('$'); at != std::string::npos; at = text.find('$', at + 1)) {
        const std::string_view rest = std::string_view(text).substr(at);
        const auto id = std::ranges::find_if(ids, [&](std::string_view one) { return rest.starts_with(one); });
        if (id == ids.end()) continue;
        const auto end = std::ranges::find_if_not(rest.substr(id->size()), [](char c) { return is_of(c, "./$=,"); });
        const auto length = id->size() + static_cast<std::size_t>(end - rest.substr(id->size()).begin());
        if (length >= Redaction::shortest) text.replace(at, length, Redaction::mark);
    }
}

void replace_all(std::string& text, std::string_view what) {
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + Redaction::mark.size())) text.replace(at, what.size(), Redaction::mark);
}

} // namespace

void Redaction::hide(std::string_view secret) {
    const std::string trimmed(trim(secret));
    if (trimmed.size() >= shortest) hidden_.insert(trimmed);
}

void Redaction::hide_what_looks_secret_in(std::string_view text, std::string_view known) {
    for (std::size_t at = 0; at < text.size();) {
        const auto begin = std::find_if(text.begin() + static_cast<std::ptrdiff_t>(at), text.end(), [](char c) { return is_of(c, "+/"); });
        const auto end = std::find_if_not(begin, text.end(), [](char c) { return is_of(c, "+/="); });
        std::string_view word = text.substr(static_cast<std::size_t>(begin - text.begin()), static_cast<std::size_t>(end - begin));
        at = static_cast<std::size_t>(end - text.begin());
        // "password=0123…": what stands before belongs to nobody.
        if (const auto equals = word.find('='); equals != std::string_view::npos && word.find_first_not_of('=', equals) != std::string_view::npos) word.remove_prefix(word.find_first_not_of('=', equals));
        if ((is_hex(word) || is_base64(word)) && known.find(word) == std::string_view::npos) hide(word);
    }
}

std::string Redaction::clean(std::string text) const {
    remove_private_keys(text);
    remove_password_hashes(text);
    // The longest first: of two that have a beginning in common nothing is left over.
    std::vector<std::string_view> all(hidden_.begin(), hidden_.end());
    std::ranges::sort(all, std::ranges::greater{}, &std::string_view::size);
    for (const auto secret : all) replace_all(text, secret);
    return text;
}

} // namespace ashlar::rescue
