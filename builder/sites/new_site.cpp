#include <sites/new_site.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <site/key.hpp>
#include <site/site.hpp>

#include <cerrno>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include <fmt/format.h>

namespace ashlar::sites {

namespace fs = std::filesystem;

namespace {

// @NAME@ and the like stand for what differs between sites.
constexpr std::string_view site_template = R"(# The site @NAME@. It lies on each medium as /ashlar/site.toml, with nodes.csv beside it; `ashlar site check` says what is
# wrong with both. There is no secret in it. All of the format: docs/formats/site.md.

[site]
name = "@NAME@"
id = "@ID@"     # random, and for ever: never write it by hand, never use it for another site
nodes = "nodes.csv"                         # a row a node; or write them here, as [[node]]

# How the site begins, once: all voters must be there, and agree. With 3 voters one may be lost, with 5 two may.
[genesis]
mode = "listed"                             # the voters are the nodes that say so; "anonymous", "seed": see the page
voters = @VOTERS@

# How a node installs itself. Nothing is written to a disk before exactly one is meant.
[install]
encryption = "off"                          # leave this out, and write the recovery key, to encrypt:
# recovery_key = '''                        # openssl genrsa -out @NAME@-recovery.key 4096   and keep it off all nodes
# -----BEGIN PUBLIC KEY-----                # openssl pkey -in @NAME@-recovery.key -pubout
# …
# -----END PUBLIC KEY-----
# '''
wipe = "if-blank"                           # what may be on the disk: "if-blank", "if-ours", "always"

[install.disk]                              # all that is given must match, and one disk may
bus = ["nvme", "sata", "virtio"]
# model = "SAMSUNG MZ*"
# min_size = "200 GiB"

# A link is one port, or a bond of ports. All keys that are given must match a port.
[[link]]
name = "uplink"
interface = ["en*"]                         # names as the node has them; also: driver, mac, min_speed
# bond = "lacp"                             # works over one port while the switch does not speak LACP; or "active-backup"
# mtu = 9000

# Planes lie on links, tagged or not. A plane that is not here is the management plane.
[planes.management]                         # nodes among themselves, and operators
link = "uplink"
subnets = ["10.0.0.0/24"]                   # IPv4, IPv6 or both; one for each rack where racks are routed
gateways = ["10.0.0.1"]
dns = ["10.0.0.1"]
# vlan = 10
# routes = [{ to = "10.9.0.0/16", via = "10.0.0.2" }]

# [planes.storage]                          # also: tunnel, provider
# link = "uplink"
# vlan = 20
# mtu = 9000
# subnets = ["10.0.20.0/24"]

# What many nodes have in common. A row of nodes.csv names its template.
[template.all]
roles = ["control"]

# [vip]                                     # answered for by one healthy voter
# addresses = ["10.0.0.10"]

# [discovery]                               # nodes behind routers hear no beacons: whom they ask
# seeds = ["10.0.0.11"]

[time]
servers = ["10.0.0.1"]                      # better three than one

# [services]                                # what the site does not want, or does
# memcached = false

[trust]
# enrol_until = "2030-01-31"                # last day of the site key; later nodes get tickets: ashlar site ticket
# require_tpm = true
approve = "automatic"                       # "by-hand": an operator says yes to each node

[access]                                    # who may log in by SSH, as root; and who gives the site orders
# ssh_keys = ["ssh-ed25519 AAAA… anna"]
# break_glass = ["ssh-ed25519 AAAA… break-glass"]
# [[access.operator]]
# name = "anna"
# roles = ["admin"]                         # viewer, operator, approver, admin
# key = '''                                 # openssl genpkey -algorithm ec -pkeyopt ec_paramgen_curve:P-256 -out anna.key
# -----BEGIN PUBLIC KEY-----                # openssl pkey -in anna.key -pubout
# …
# -----END PUBLIC KEY-----
# '''

# [[disks.ceph]]                            # disks that a service may have
# bus = ["nvme"]
# min_size = "400 GiB"
# min = 1
# wipe = "if-blank"
)";

std::string replaced(std::string text, std::string_view mark, std::string_view with) {
    for (std::size_t at = text.find(mark); at != text.npos; at = text.find(mark, at + with.size())) text.replace(at, mark.size(), with);
    return text;
}

void check(const NewSite& site) {
    // The reader of the format is who knows what a name is.
    try {
        (void)site::read(toml::source_from_text("site.toml", fmt::format("[site]\nname = \"{}\"\n[install]\nencryption = \"off\"\n", toml::printable(site.name))));
    } catch (const Error&) {
        throw Error(fmt::format("cannot make site {}: that is not the name of a site", toml::quote(site.name)), "write lower-case letters, digits and '-', such as berlin-1");
    }
    if (site.voters != 1 && site.voters != 3 && site.voters != 5)
        throw Error(fmt::format("cannot make site '{}': it would have {} voters", site.name, site.voters), "a site has 1, 3 or 5");
}

// rename(2) that takes the place of nothing.
void publish(const fs::path& from, const fs::path& to, const std::string& name) {
    if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return;
    if (errno == EEXIST) throw Error(fmt::format("cannot make site '{}': '{}' is there already", name, to.native()), "give another --directory, or remove it if nothing was ever installed from it: its key is not made again");
    throw system_error("create", to.native());
}

} // namespace

std::string site_text(const NewSite& site, const SiteId& id) {
    std::string text = replaced(std::string(site_template), "@NAME@", site.name);
    text = replaced(std::move(text), "@VOTERS@", std::to_string(site.voters));
    return replaced(std::move(text), "@ID@", id.text());
}

std::string nodes_text(const NewSite& site) {
    std::string text = "# A row a node. Which machine it is: serial, mac or tpm_ek, all that is given must be true. Several roles, addresses or ports of\n"
                       "# one cell are divided by blanks. More columns: mac, tpm_ek, storage, tunnel, provider, ports.uplink\n"
                       "name,serial,template,roles,voter,management\n";
    for (unsigned i = 1; i <= site.voters; ++i) text += fmt::format("n{:02},WRITE-SERIAL-{},all,,true,10.0.0.{}\n", i, i, 10 + i);
    return text;
}

SiteId write_new_site(const fs::path& directory, const NewSite& site) {
    check(site);
    const fs::path target = directory.has_filename() ? directory : directory.parent_path();
    const fs::path parent = target.has_parent_path() ? target.parent_path() : fs::path(".");
    TemporaryDirectory work(parent, ".ashlar-site-");
    const SiteId id = SiteId::random();
    write_file(work.path() / site_file, site_text(site, id), 0644, Durability::synced);
    write_file(work.path() / nodes_file, nodes_text(site), 0644, Durability::synced);
    write_file(work.path() / ".gitignore", "site.key*\n*.ticket\nrestore\n", 0644, Durability::synced);
    site::SiteKey::generate(id).save_new(work.path() / key_file);
    if (::chmod(work.path().c_str(), 0755) != 0) throw system_error("create", target.native());
    publish(work.path(), target, site.name);
    (void)work.keep();
    return id;
}

} // namespace ashlar::sites
