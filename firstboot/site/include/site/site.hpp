#pragma once

// site.toml: what a site's operator writes for its nodes. docs/formats/site.md.

#include <disks/rule.hpp>
#include <signing/key.hpp>
#include <toml/source.hpp>

#include <cstdint>
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

// Who may log in, as root. Lines of authorized_keys without options, or of the files of ssh-keygen.
struct Access {
    std::vector<std::string> ssh_keys;
    std::vector<std::string> ssh_ca; // whose certificates for the principal "root" are good
    std::vector<std::string> break_glass; // whose tokens and certificates open one node for a while: docs/formats/break-glass.md
    bool operator==(const Access&) const = default;
};

struct Site {
    std::string name;
    Place place = Place::other_disk;
    disks::Rule disk;
    Requirements requirements;
    Encryption encryption = Encryption::if_possible;
    SecureBoot secure_boot = SecureBoot::as_it_is;
    std::optional<PublicKey> recovery_key; // there unless encryption is off
    Access access;
};

// SourceError with every problem of the file.
[[nodiscard]] Site read(const toml::SourcePtr& source);

} // namespace ashlar::site
