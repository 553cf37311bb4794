#pragma once

// Bytes that only the holder of a node's private key can read: HPKE (RFC 9180), base mode, one message, with
// DHKEM(P-256, HKDF-SHA256), HKDF-SHA256 and AES-256-GCM. docs/formats/sealed-to-node.md.
//
// Whoever has the public key can seal: that something opens says nothing about who sealed it.

#include <signing/bytes.hpp>
#include <signing/message_key.hpp>
#include <signing/secret.hpp>

#include <optional>
#include <string_view>

namespace ashlar {

// How formats name it.
inline constexpr std::string_view node_sealing_algorithm = "hpke-p256-hkdf-sha256-aes-256-gcm";

// `purpose` says what it is and for what (RFC 9180's info): it opens for the same purpose only. Other bytes at each call.
[[nodiscard]] Bytes seal_to_node(const VerifyingKey& to, std::string_view purpose, const Secret& plain);
// Nothing for what was sealed to another key, for another purpose, or was changed since.
[[nodiscard]] std::optional<Secret> unseal(const SigningKey& key, std::string_view purpose, ByteView sealed);

} // namespace ashlar
