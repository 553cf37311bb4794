#include <root/normalise.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/text.hpp>

#include <array>
#include <fnmatch.h>
#include <optional>

#include <fmt/format.h>

namespace ashlar::root {

namespace {

struct KnownSecret {
    const char* pattern; // fnmatch(3) over the path; "*" matches "/" too
    const char* what;
};

// By name, whatever is in them, unless they are empty.
constexpr std::array known_secrets{
    KnownSecret{"*.erlang.cookie", "an Erlang cookie"},
    KnownSecret{"etc/machine-id", "a machine id"},
    KnownSecret{"var/lib/dbus/machine-id", "a machine id"},
    KnownSecret{"etc/ssh/ssh_host_*", "an SSH host key"},
    KnownSecret{"etc/ssl/private/ssl-cert-snakeoil.key", "a self-signed certificate's key"},
    KnownSecret{"*/random-seed", "a random seed"},
    KnownSecret{"*/ibdata1", "a MariaDB database"},
    KnownSecret{"*/PG_VERSION", "a PostgreSQL database"},
    KnownSecret{"*/member/snap/db", "an etcd database"},
    KnownSecret{"*/store.db/CURRENT", "a Ceph monitor's database"},
    KnownSecret{"*/ovn[ns]b_db.db", "an OVN database"},
    KnownSecret{"etc/openvswitch/conf.db", "an Open vSwitch database"},
    KnownSecret{"*/mnesia/*", "a RabbitMQ database"},
    KnownSecret{"etc/ceph/*.keyring", "a Ceph key"},
    KnownSecret{"etc/keystone/*-keys/[0-9]*", "a keystone key"},
    KnownSecret{"etc/nvme/host*", "an NVMe host id"},
    KnownSecret{"etc/iscsi/initiatorname.iscsi", "an iSCSI name"},
};

// PEM (RFC 7468) and what OpenSSH and OpenPGP write like it.
bool has_private_key(std::string_view text) {
    constexpr std::string_view begin = "-----BEGIN ";
    for (std::size_t at = text.find(begin); at != std::string_view::npos; at = text.find(begin, at + 1)) {
        const auto label = text.substr(at + begin.size(), text.find("-----", at + begin.size()) - at - begin.size());
        if (label.size() < 40 && (label.ends_with("PRIVATE KEY") || label == "PGP PRIVATE KEY BLOCK")) return true;
    }
    return false;
}

// shadow(5): a second field that starts with "$" or "_", or looks like DES, is a hash of a password.
bool has_password(std::string_view text) {
    for (const auto line : split(text, '\n')) {
        const auto fields = split(line, ':');
        if (fields.size() < 2) continue;
        const auto hash = fields[1].substr(std::min(fields[1].find_first_not_of('!'), fields[1].size()));
        if (!hash.empty() && hash != "*" && hash != "x") return true;
    }
    return false;
}

constexpr std::array<std::string_view, 5> ours{"etc/", "var/", "root/", "home/", "srv/"};

bool is_looked_at(const Entry& entry) {
    if (entry.type != EntryType::file || entry.size == 0) return false;
    if (entry.package.empty() || entry.path.starts_with("usr/share/factory/")) return true;
    for (const auto folder : ours)
        if (entry.path.starts_with(folder)) return true;
    return false;
}

constexpr std::uint64_t largest_key_file = 1 << 20;

std::optional<std::string> secret_in(const Entry& entry) {
    if (!is_looked_at(entry)) return std::nullopt;
    for (const auto& known : known_secrets)
        if (::fnmatch(known.pattern, entry.path.c_str(), 0) == 0) return known.what;
    if (entry.size > largest_key_file) return std::nullopt;
    const std::string text = read_file(entry.source);
    if (has_private_key(text)) return "a private key";
    if ((entry.path == "etc/shadow" || entry.path == "etc/gshadow") && has_password(text)) return "a password";
    return std::nullopt;
}

} // namespace

void refuse_secrets(const Tree& tree) {
    std::string found;
    for (const auto& entry : tree)
        if (const auto what = secret_in(entry))
            found += fmt::format("\n    /{}: {} ({})", entry.path, *what,
                                 entry.package.empty() ? "of no package: made by a script or an overlay" : fmt::format("package '{}'", entry.package));
    if (found.empty()) return;
    throw Error("cannot put secrets into an image, every node would share them:" + found,
                "make them on the node, and add what packages leave behind to the normaliser's table");
}

} // namespace ashlar::root
