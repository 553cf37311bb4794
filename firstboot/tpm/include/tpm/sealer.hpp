#pragma once

// What the TPM of one machine seals, and gives out again to whoever is on that machine. docs/formats/state.md, "Sealed to the TPM".

#include <string>
#include <string_view>

namespace ashlar::tpm {

class Sealer {
public:
    Sealer() = default;
    Sealer(const Sealer&) = delete;
    Sealer& operator=(const Sealer&) = delete;
    virtual ~Sealer() = default;

    // One line of text. `name` is part of it: it opens under that name alone. An Error where the TPM does not do it.
    [[nodiscard]] virtual std::string seal(std::string_view name, std::string_view secret) const = 0;
    // An Error, with the TPM's words, for what another TPM has sealed, or this one before it was cleared.
    [[nodiscard]] virtual std::string open(std::string_view name, std::string_view sealed) const = 0;
};

// Seals, and has opened it once when it returns: for a secret of which no other copy will be left.
[[nodiscard]] std::string seal_surely(const Sealer& sealer, std::string_view name, std::string_view secret);

// By systemd-creds(1), to the TPM's storage key and to no register: releases, firmware and Secure Boot's lists change, and what is sealed
// outlives that. The secret goes through a pipe.
class SystemdSealer final : public Sealer {
public:
    // As `--tpm2-device=` takes it; with "auto" the only TPM of the machine.
    explicit SystemdSealer(std::string device = "auto") : device_(std::move(device)) {}

    [[nodiscard]] std::string seal(std::string_view name, std::string_view secret) const override;
    [[nodiscard]] std::string open(std::string_view name, std::string_view sealed) const override;

private:
    [[nodiscard]] std::string run(std::string_view verb, std::string_view name, std::string_view input) const;
    const std::string device_;
};

} // namespace ashlar::tpm
