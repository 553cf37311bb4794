#include "break_glass.hpp"

#include "keyboard.hpp"

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/process.hpp>
#include <base/text.hpp>
#include <breakglass/shell.hpp>
#include <breakglass/use.hpp>
#include <node/media.hpp>

#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <pwd.h>
#include <unistd.h>

#include <fmt/format.h>

namespace ashlar::ctl {

namespace {

namespace fs = std::filesystem;

constexpr const char* token_on_medium = "ashlar/break-glass";
constexpr const char* scratch = "/run/ashlar";

// No more of a file than a token may have, and one byte.
std::string beginning_of(int file, std::string_view name) {
    std::string text(most_break_glass_bytes + 1, '\0');
    std::size_t have = 0;
    while (have < text.size()) {
        const auto got = read_some(file, std::as_writable_bytes(std::span(text).subspan(have)), name);
        if (got == 0) break;
        have += got;
    }
    text.resize(have);
    return text;
}

// The token was redirected to us; the shell is for whoever did that.
void read_terminal() {
    const Fd terminal(::open("/dev/tty", O_RDWR | O_CLOEXEC));
    if (::isatty(STDIN_FILENO) == 0 && terminal) ::dup2(terminal.get(), STDIN_FILENO);
}

std::string shell_of_root() {
    const passwd* root = ::getpwuid(0);
    return root == nullptr ? "/bin/sh" : root->pw_shell;
}

int root_shell(std::chrono::seconds time) {
    ::setenv("HOME", "/root", 1);
    return breakglass::run_for(time, {shell_of_root(), "-l"});
}

// The certificate in the file that SSH_USER_AUTH names (sshd_config(5), ExposeAuthInfo), as ssh-keygen prints it.
std::string certificate_of_session() {
    const char* file = std::getenv("SSH_USER_AUTH");
    if (file == nullptr) throw Error("cannot tell by which certificate: sshd does not say");
    constexpr std::string_view method = "publickey ";
    const std::string text = read_file(file);
    if (!text.starts_with(method)) throw Error("cannot tell by which certificate: sshd says something else");
    const TemporaryDirectory directory(scratch, "break-glass-");
    write_file(directory.path() / "certificate", text.substr(method.size()), 0600);
    return run_checked({.argv = {"env", "TZ=UTC", "LC_ALL=C", "ssh-keygen", "-L", "-f", (directory.path() / "certificate").native()}});
}

} // namespace

std::string token_from(const std::string& file) {
    if (file == "-") {
        std::string token = beginning_of(STDIN_FILENO, "standard input");
        read_terminal();
        return token;
    }
    const Fd opened = open_file(file, O_RDONLY);
    return beginning_of(opened.get(), file);
}

std::string token_from_media() {
    std::string token;
    const auto look = [&](const disks::Partition&, const fs::path& place) {
        if (!fs::exists(place / token_on_medium)) return false;
        token = token_from((place / token_on_medium).native());
        return true;
    };
    const auto say = [](const disks::Partition& medium, const Error& error) { fmt::print(stderr, "cannot look at '{}': {}\n", medium.device.native(), error.message()); };
    if (!node::on_media(node::MediumAccess::read_only, look, say))
        throw Error(fmt::format("cannot find a break-glass token: no FAT stick has a file {}", token_on_medium), "`ashlar break-glass NODE --key FILE` makes one");
    return token;
}

int break_glass(const std::string& token) {
    if (::geteuid() != 0) throw Error("cannot take the token: only root may, or the console", "press b at the console of the node");
    const auto use = breakglass::judge(token, breakglass::this_node(), breakglass::this_clock(), scratch);
    breakglass::note(use);
    if (!use.fault.empty()) {
        fmt::print("refused: {}\n", use.fault);
        return 1;
    }
    const auto time = use.expires - use.time;
    fmt::print("root for {} minutes, as everybody can see: {}\n", std::chrono::ceil<std::chrono::minutes>(time).count(), use.reason);
    std::fflush(stdout);
    (void)root_shell(time);
    fmt::print("the break-glass session has ended\n");
    return 0;
}

void break_glass_at_console() {
    fmt::print("\nPaste the token, or press Enter to read {} from a FAT stick:\n", token_on_medium);
    std::fflush(stdout);
    try {
        const std::string pasted = lines_to("-----END SSH SIGNATURE-----", most_break_glass_bytes + 1);
        (void)break_glass(trim(pasted).empty() ? token_from_media() : pasted);
    } catch (const Error& error) {
        fmt::print("{}\n", error.render());
    }
    fmt::print("\n");
    std::fflush(stdout);
    // Long enough to be read, where the next screen comes over it.
    (void)key_within(std::chrono::seconds(10));
}

int break_glass_login() {
    const char* asked = std::getenv("SSH_ORIGINAL_COMMAND");
    const std::vector<std::string> argv = asked == nullptr ? std::vector<std::string>{shell_of_root(), "-l"} : std::vector<std::string>{shell_of_root(), "-c", asked};
    const auto use = breakglass::use_of_certificate(certificate_of_session(), breakglass::this_clock().now);
    breakglass::note(use);
    if (use.expires <= use.time) throw Error("cannot go on: the certificate has expired");
    return breakglass::run_for(use.expires - use.time, argv);
}

} // namespace ashlar::ctl
