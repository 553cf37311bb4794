#pragma once

// Private to this module: whose signatures make metadata good.

#include <authority/repository.hpp>
#include <signing/message_key.hpp>
#include <tuf/metadata.hpp>

#include <string_view>
#include <vector>

namespace ashlar::authority {

// Who must have signed: enough of every group.
struct Signatories {
    struct Group {
        tuf::Role role;
        tuf::Keys keys;
    };
    std::vector<Group> groups;

    [[nodiscard]] bool are_met(const tuf::Envelope& envelope) const;
    // Keys whose signature would help, each once.
    [[nodiscard]] std::vector<VerifyingKey> still_wanted(const tuf::Envelope& envelope) const;
};

// Of a role's metadata, by what is in force; a new root needs the old one's and its own. Error when nothing in force says who.
[[nodiscard]] Signatories signatories(const Repository& repository, std::string_view role, const tuf::Envelope& proposal);

} // namespace ashlar::authority
