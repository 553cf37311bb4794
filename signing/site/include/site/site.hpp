#pragma once

// site.toml: what a site's operator writes for its nodes, with the table of nodes that may lie beside it. The same for
// builder and node. docs/formats/site.md.

#include <site/disk_rule.hpp>
#include <site/network.hpp>

#include <base/day.hpp>
#include <base/id.hpp>
#include <signing/digest.hpp>
#include <signing/key.hpp>
#include <signing/message_key.hpp>
#include <toml/source.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace ashlar::site {

// What a machine must have before anything is written to it.
struct Requirements {
    std::uint64_t memory = 0; // bytes
    unsigned processors = 0;
    bool tpm = false;
};

// Where the node lives.
enum class Place {
    other_disk, // the one that the rule means
    in_place,   // the disk that it was started from
};

enum class Encryption { off, if_possible, require };

// What of Secure Boot a machine must have to become a node.
enum class SecureBoot {
    as_it_is,
    require,
    enrol, // `require`; a machine in setup mode gets the keys that lie on the medium
};

// How those who begin the site are known.
enum class Founding {
    listed,    // the nodes with `voter = true`; all of them must be there
    anonymous, // as many as `expect`, whoever they are
    seed,      // one node alone; for tests, and for sites that grow
};

struct Genesis {
    Founding mode = Founding::listed;
    unsigned voters = 3;   // 1, 3 or 5: how many the site is to have
    unsigned expect = 0;   // anonymous: exactly so many blank nodes must be there
    bool operator==(const Genesis&) const = default;
};

// A machine that the file lists, with what its template says already in it.
struct Node {
    std::string name; // its host name
    // By what its machine is known: at least one, and all that is given must be true of it.
    std::string serial;                 // of the chassis, as the firmware says it; empty: any
    std::optional<Mac> mac;             // of one of its ports
    std::optional<Digest> tpm_ek;       // of the public part of its TPM's endorsement key, DER SubjectPublicKeyInfo
    std::vector<std::string> roles;
    bool voter = false;
    std::map<Plane, std::vector<Address>> addresses; // at most one of each family a plane
    std::vector<Link> links;
};

enum class Approval { automatic, by_hand };

struct Trust {
    std::optional<Day> enrol_until; // the last day on which the site key enrols; afterwards only tickets do
    bool require_tpm = false;       // a node without one is not enrolled
    Approval approve = Approval::automatic;
    std::string ca; // PEM: the customer's own certificates, for what users see; may be empty
};

// What each may do: docs/formats/site.md, "Trust".
enum class OperatorRole { viewer, operate, approver, admin };

struct Operator {
    std::string name;
    std::vector<OperatorRole> roles;
    VerifyingKey key; // for which the site makes certificates
    [[nodiscard]] bool has(OperatorRole role) const;
    bool operator==(const Operator&) const = default;
};

// Who may log in, as root: lines of authorized_keys without options, or of the files of ssh-keygen. And who may give the
// site orders.
struct Access {
    std::vector<std::string> ssh_keys;
    std::vector<std::string> ssh_ca; // whose certificates for the principal "root" are good
    std::vector<std::string> break_glass; // whose tokens and certificates open one node for a while: docs/formats/break-glass.md
    std::vector<Operator> operators;
    bool operator==(const Access&) const = default;
};

// A virtual address that whichever voter is healthy answers for, in the management plane (VRRP, RFC 9568).
struct Vip {
    std::vector<Address> addresses;
    std::optional<unsigned> router_id; // 1 to 255; none: made from the site's id
};

// Disks of a node that a service may have. Each of the rules of a name is one set of disks.
struct DataDisks {
    DiskRule rule;
    unsigned min = 0; // with fewer, the service waits
    std::optional<unsigned> max;
    std::vector<std::string> roles; // of nodes that it is for; none: all
};

struct Site {
    std::string name;
    std::optional<SiteId> id; // there whenever genesis is
    Place place = Place::other_disk;
    DiskRule disk;
    Requirements requirements;
    Encryption encryption = Encryption::if_possible;
    SecureBoot secure_boot = SecureBoot::as_it_is;
    std::optional<PublicKey> recovery_key; // there unless encryption is off
    Access access;

    std::optional<Genesis> genesis; // none: its nodes stay by themselves
    std::vector<Node> nodes;        // in the order written: site.toml, then the table
    std::vector<Link> links;        // of a machine that is not listed
    Planes planes;                  // none: every port asks for an address
    std::vector<Address> seeds;     // nodes beyond the routers, who are asked one by one
    Vip vip;
    std::vector<std::string> time_servers;
    std::map<std::string, bool> services; // formations by name: whether the site has them
    Trust trust;
    std::map<std::string, std::vector<DataDisks>> data_disks;
};

// What stands beside site.toml, by its file name. Throws Error when it cannot be read.
using Beside = std::function<toml::SourcePtr(const std::string& name)>;

// SourceError with every problem of the file, and of the table of nodes that it names. Without `beside` a file that names
// one is refused.
[[nodiscard]] Site read(const toml::SourcePtr& source, const Beside& beside = {});
// From a directory; `shown` is what errors call the file.
[[nodiscard]] Site load(const std::filesystem::path& file, const std::string& shown);

} // namespace ashlar::site
