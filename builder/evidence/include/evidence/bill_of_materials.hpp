#pragma once

// Lists of what an image contains, from the lock alone: SPDX 2.3 and CycloneDX 1.6, both as JSON, and
// a plain text. No random identifiers, no time but the lock's.

#include <evidence/subject.hpp>

#include <signing/digest.hpp>

#include <string>
#include <string_view>

namespace ashlar::evidence {

// SPDX 2.3 (ISO/IEC 5962 and its successor), JSON. The image is a package that CONTAINS the others.
[[nodiscard]] std::string spdx(const Subject& subject);

// CycloneDX 1.6 (ECMA-424), JSON.
[[nodiscard]] std::string cyclonedx(const Subject& subject);

// A line a package, sorted: name, version, architecture, source, source version, archive, component,
// parts (joined by ','), SHA-256 of the .deb; separated by tabs.
[[nodiscard]] std::string package_list(const Subject& subject);

// Package URL of type deb (purl specification): "pkg:deb/debian/bash@5.2.37-2?arch=amd64".
// The namespace is the archive's name up to its first '-'.
[[nodiscard]] std::string package_url(const lock::Package& package);

// The `bom-ref` of a package in a CycloneDX document, by the digest of its .deb.
[[nodiscard]] std::string component_reference(std::string_view name, const Digest& digest);

} // namespace ashlar::evidence
