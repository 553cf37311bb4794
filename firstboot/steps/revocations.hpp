#pragma once

// Private to this module: what this node's firmware is to refuse, as its trains say, kept until it may be handed over.
// docs/formats/trust.md, "Revocations that firmware obeys".
//
//     <train>.auth    the update, as the train's role signed it
//     <train>.json    what came of it

#include <steps/node_steps.hpp>
#include <trust/choice.hpp>

#include <functional>
#include <vector>

namespace ashlar::steps {

class Revocations {
public:
    // A TPM releases the key of an encrypted /var only under the dbx that it was enrolled with (docs/guides/recovery.md).
    enum class SealedVar {
        kept_open, // such a node waits for somebody
        may_lock,
    };
    // Both are borrowed. `told`: of what came of one, once for each that is another than before.
    Revocations(const Node& node, const std::function<void(const Notice&)>& told, SealedVar sealed_var = SealedVar::kept_open) : node_(node), told_(told), sealed_var_(sealed_var) {}

    void keep(const std::vector<trust::Revocation>& found) const;
    // What is kept goes to the firmware, if Secure Boot is on and it lacks something of it. Not while what runs has not proved itself,
    // nor where that would lock /var, and nothing that would forbid what runs or the boot loader; another release that it forbids leaves the boot menu first.
    // Whatever fails is told and no Error: a node runs on without it.
    void hand_over() const;

private:
    [[nodiscard]] FirmwareRevocation outcome(const std::string& train, const std::string& update) const;
    void tell(const FirmwareRevocation& now) const;
    void note(const FirmwareRevocation& now, const std::string& update) const;
    const Node& node_;
    const std::function<void(const Notice&)>& told_;
    SealedVar sealed_var_;
};

} // namespace ashlar::steps
