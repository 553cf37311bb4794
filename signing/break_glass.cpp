#include <signing/break_glass.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/process.hpp>
#include <base/text.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <fcntl.h>
#include <memory>
#include <unistd.h>

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace ashlar {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view first_line = "ashlar-break-glass 1";
constexpr std::string_view signature_begins = "-----BEGIN SSH SIGNATURE-----\n", signature_ends = "-----END SSH SIGNATURE-----";
// sshd of a node whose clock is a little behind.
constexpr std::chrono::minutes clocks_behind{5};

Error refusal(std::string_view cause, std::string hint = {}) { return Error(fmt::format("cannot use the break-glass token: {}", cause), std::move(hint)); }

bool is_node(std::string_view name) {
    const auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.'; };
    return !name.empty() && name.size() <= 64 && name.front() != '-' && std::ranges::all_of(name, allowed);
}

// It is shown on terminals, and is the key id of a certificate.
bool is_reason(std::string_view text) {
    return !text.empty() && text.size() <= 200 && text.front() != ' ' && text.back() != ' ' && std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

std::string text_of(Time time) { return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(static_cast<std::time_t>(time.time_since_epoch().count()))); }

// "2026-01-31T00:00:00Z"; what strptime(3) lets through beyond that is seen when the text is written again.
Time time_from(std::string_view text) {
    std::tm fields{};
    const char* end = ::strptime(std::string(text).c_str(), "%Y-%m-%dT%H:%M:%SZ", &fields);
    if (end == nullptr) throw refusal(fmt::format("'{}' is not a time", text));
    return Time(std::chrono::seconds(::timegm(&fields)));
}

void check(const BreakGlass& token) {
    if (!is_node(token.node)) throw refusal(fmt::format("'{}' is not the name of a node", token.node), "`ashlarctl status` on the node prints it, and so does its console");
    if (!is_reason(token.reason)) throw refusal("its reason is not 1 to 200 characters of printable ASCII");
    if (token.expires <= token.issued || token.expires - token.issued > longest_break_glass)
        throw refusal("it is not valid for more than no time and at most 7 days", "make another when it has expired");
}

// The value of the next line, "name: value".
std::string_view take(std::string_view& text, std::string_view name) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (!line.starts_with(name) || !line.substr(name.size()).starts_with(": ")) throw refusal(fmt::format("there is no line '{}: …' where it belongs", name));
    return line.substr(name.size() + 2);
}

// What ssh-keygen has to say to a person goes to that person, at once: it waits for a touch.
std::function<int()> speaking() {
    return [terminal = std::make_shared<Fd>(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3))] { return ::dup2(terminal->get(), STDERR_FILENO) < 0 ? errno : 0; };
}

bool is_public_half(const fs::path& key) { return key.extension() == ".pub"; }

// ssh-keygen(1), -V: in UTC.
std::string validity(const BreakGlass& token) {
    const auto stamp = [](Time time) { return fmt::format("{:%Y%m%d%H%M%S}Z", fmt::gmtime(static_cast<std::time_t>(time.time_since_epoch().count()))); };
    return fmt::format("{}:{}", stamp(token.issued - clocks_behind), stamp(token.expires));
}

// `Good "…" signature for key-1 with ED25519 key SHA256:…`
std::string fingerprint_in(std::string_view said) {
    const auto at = said.rfind("SHA256:");
    return at == said.npos ? std::string("an unknown key") : std::string(trim(said.substr(at)));
}

// `key-1 namespaces="…" ssh-ed25519 AAAA… comment`
std::string comment_of(std::string_view principal, std::string_view signers) {
    for (const auto line : split(signers, '\n')) {
        const auto words = split(line, ' ');
        if (words.size() > 4 && words[0] == principal) return std::string(line.substr(static_cast<std::size_t>(words[4].data() - line.data())));
    }
    return {};
}

std::string last_line(std::string_view text) {
    text = trim(text);
    return std::string(text.substr(text.rfind('\n') + 1));
}

} // namespace

std::string text_of(const BreakGlass& token) {
    check(token);
    return fmt::format("{}\nnode: {}\nissued: {}\nexpires: {}\nreason: {}\n", first_line, token.node, text_of(token.issued), text_of(token.expires), token.reason);
}

SignedBreakGlass parse_break_glass(std::string_view file) {
    if (file.size() > most_break_glass_bytes) throw refusal(fmt::format("it has more than {} bytes", most_break_glass_bytes));
    const auto signature = file.find(signature_begins);
    if (!file.starts_with(first_line) || signature == file.npos) throw refusal("this is none", "`ashlar break-glass NODE --key FILE` makes one");
    const auto after = file.find(signature_ends, signature);
    if (after == file.npos || !trim(file.substr(after + signature_ends.size())).empty()) throw refusal("its signature does not end where it should", "give all of the file");
    SignedBreakGlass read{.text = std::string(file.substr(0, signature)), .signature = std::string(file.substr(signature, after + signature_ends.size() - signature)) + "\n"};
    std::string_view rest = std::string_view(read.text).substr(std::min(read.text.size(), first_line.size() + 1));
    read.token.node = take(rest, "node");
    read.token.issued = time_from(take(rest, "issued"));
    read.token.expires = time_from(take(rest, "expires"));
    read.token.reason = take(rest, "reason");
    // One token, one text: what was signed is what was read.
    if (text_of(read.token) != read.text) throw refusal("it is not in the one form that it may have");
    return read;
}

std::string sign_break_glass(const BreakGlass& token, const fs::path& key) {
    const std::string text = text_of(token);
    const TemporaryDirectory directory(fs::temp_directory_path(), "ashlar-break-glass-");
    const fs::path file = directory.path() / "token";
    write_file(file, text, 0600);
    while_doing("signing the break-glass token", [&] {
        run_checked({.argv = {"ssh-keygen", "-q", "-Y", "sign", "-f", key.native(), "-n", std::string(break_glass_namespace), file.native()}, .before_exec = speaking()});
    });
    return text + read_file(file.native() + ".sig");
}

fs::path certify_break_glass(const BreakGlass& token, const fs::path& key, const fs::path& public_key) {
    check(token);
    if (!is_public_half(public_key)) throw Error(fmt::format("cannot certify '{}': its name does not end in .pub", public_key.native()), "name the public half of the SSH key");
    std::vector<std::string> argv{"ssh-keygen", "-q"};
    if (is_public_half(key)) argv.emplace_back("-U"); // its other half is in the agent
    for (auto& word : std::vector<std::string>{"-s", key.native(), "-I", token.reason, "-n", break_glass_principal(token.node), "-V", validity(token), public_key.native()})
        argv.push_back(std::move(word));
    while_doing("signing the break-glass certificate", [&] { run_checked({.argv = std::move(argv), .before_exec = speaking()}); });
    return fs::path(public_key).replace_extension().native() + "-cert.pub";
}

std::string break_glass_principal(std::string_view node) { return fmt::format("break-glass.{}", node); }

std::string break_glass_signers(const std::vector<std::string>& public_keys) {
    std::string text;
    for (std::size_t i = 0; i < public_keys.size(); ++i) text += fmt::format("key-{} namespaces=\"{}\" {}\n", i + 1, break_glass_namespace, public_keys[i]);
    return text;
}

BreakGlassSignature check_break_glass(const SignedBreakGlass& file, const fs::path& signers, const fs::path& scratch) {
    const std::string list = read_file(signers);
    if (trim(list).empty()) return {.fault = "the site has no break-glass key"};
    const TemporaryDirectory directory(scratch, "break-glass-");
    const fs::path signature = directory.path() / "signature";
    write_file(signature, file.signature, 0600);
    const Outcome found = run({.argv = {"ssh-keygen", "-Y", "find-principals", "-f", signers.native(), "-s", signature.native()}});
    if (!found.ok()) return {.fault = "it is signed by none of the site's break-glass keys"};
    const std::string principal(trim(found.output));
    const Outcome verified = run({.argv = {"ssh-keygen", "-Y", "verify", "-f", signers.native(), "-I", principal, "-n", std::string(break_glass_namespace), "-s", signature.native()},
                                  .input = file.text});
    if (!verified.ok()) return {.fault = fmt::format("its signature does not fit ({})", last_line(verified.errors.empty() ? verified.output : verified.errors))};
    const std::string comment = comment_of(principal, list), fingerprint = fingerprint_in(verified.output);
    return {.signer = comment.empty() ? fingerprint : fmt::format("{} ({})", fingerprint, comment)};
}

} // namespace ashlar
