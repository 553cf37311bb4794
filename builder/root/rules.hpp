#pragma once

// Paths that the normaliser knows: a table, for people to read and to add to.

#include <array>
#include <string_view>

namespace ashlar::root {

enum class Reach {
    files, // files and links that match go, directories stay
    tree,  // what matches goes, with all that is in it
};

struct Rule {
    std::string_view pattern; // fnmatch(3) over the path without leading slash; "*" matches "/" too
    Reach reach;
};

inline constexpr std::array removed{
    // Left by packaging tools.
    Rule{"etc/.pwd.lock", Reach::files},
    Rule{"etc/passwd-", Reach::files},
    Rule{"etc/group-", Reach::files},
    Rule{"etc/shadow-", Reach::files},
    Rule{"etc/gshadow-", Reach::files},
    Rule{"etc/subuid-", Reach::files},
    Rule{"etc/subgid-", Reach::files},
    Rule{"etc/*.dpkg-old", Reach::files},
    Rule{"etc/*.dpkg-new", Reach::files},
    Rule{"etc/*.dpkg-dist", Reach::files},
    Rule{"etc/*.dpkg-tmp", Reach::files},
    Rule{"etc/*.dpkg-bak", Reach::files},
    Rule{"etc/*.ucf-old", Reach::files},
    Rule{"etc/*.ucf-new", Reach::files},
    Rule{"etc/*.ucf-dist", Reach::files},
    Rule{"etc/xml/*.old", Reach::files},
    Rule{"vmlinuz", Reach::files},
    Rule{"vmlinuz.old", Reach::files},
    Rule{"initrd.img", Reach::files},
    Rule{"initrd.img.old", Reach::files},
    Rule{"var/lib/apt/lists/*", Reach::files},
    Rule{"var/lib/apt/extended_states", Reach::files},
    Rule{"var/lib/dpkg/*-old", Reach::files},
    Rule{"var/lib/dpkg/lock*", Reach::files},
    Rule{"var/lib/dpkg/triggers/Lock", Reach::files},
    Rule{"var/lib/dpkg/updates/*", Reach::files},
    Rule{"var/lib/initramfs-tools/*", Reach::files},
    Rule{"var/lib/pam/*", Reach::tree},
    Rule{"var/lib/python/*", Reach::tree},
    Rule{"var/lib/sgml-base/*.old", Reach::files},
    Rule{"var/lib/shells.state", Reach::files},
    Rule{"var/lib/systemd/deb-systemd-helper-*", Reach::tree},
    Rule{"var/lib/systemd/deb-systemd-user-helper-*", Reach::tree},
    Rule{"var/lib/ucf/*", Reach::tree},
    // Caches and logs.
    Rule{"var/backups/*", Reach::files},
    Rule{"var/cache/*", Reach::files},
    Rule{"var/log/*", Reach::files},
    Rule{"var/tmp/*", Reach::tree},
    // Who a machine is.
    Rule{"etc/hostname", Reach::files},
    Rule{"etc/iscsi/initiatorname.iscsi", Reach::files},
    Rule{"etc/nvme/hostid", Reach::files},
    Rule{"etc/nvme/hostnqn", Reach::files},
    Rule{"etc/openvswitch/*conf.db*", Reach::files},
    Rule{"etc/openvswitch/system-id.conf", Reach::files},
    Rule{"etc/ssh/ssh_host_*", Reach::files},
    Rule{"etc/ssl/certs/ssl-cert-snakeoil.pem", Reach::files},
    Rule{"etc/ssl/private/ssl-cert-snakeoil.key", Reach::files},
    Rule{"var/lib/dbus/machine-id", Reach::files},
    Rule{"var/lib/systemd/random-seed", Reach::files},
    Rule{"var/lib/rabbitmq/.erlang.cookie", Reach::files},
    // Databases: made on the node.
    Rule{"var/lib/mysql/*", Reach::tree},
};

// Files of /var that are the image's, not a node's state: links into the image, renewed at each boot,
// so that a new release brings its own.
inline constexpr std::array image_content{
    std::string_view("var/lib/systemd/catalog/database"),
    std::string_view("var/lib/sgml-base/*"),
    std::string_view("var/lib/xml-core/*"),
};

} // namespace ashlar::root
