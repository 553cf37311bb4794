#include <evidence/bill_of_materials.hpp>

#include "contained.hpp"

#include <image/identifiers.hpp>

#include <base/json.hpp>
#include <base/text.hpp>

#include <algorithm>
#include <cctype>
#include <fmt/format.h>

namespace ashlar::evidence {

namespace {

constexpr std::string_view no_assertion = "NOASSERTION";
constexpr std::size_t short_digest = 16; // hex digits: enough to tell packages of one name apart

std::string title(const Subject& subject) { return base_name(subject.role, subject.release, subject.architecture); }

// Unique for what the document says and the same whenever it is written again.
Guid document_id(std::string_view kind, const Subject& subject) {
    return image::guid_named(fmt::format("{}:{}:{}:{}", kind, title(subject), subject.lock.hex(), subject.disk.hex()));
}

// RFC 3986: unreserved characters stay; purl leaves ':' as well.
std::string percent_encoded(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (std::isalnum(byte) || std::string_view("-._~:").find(c) != std::string_view::npos)
            out += c;
        else
            out += fmt::format("%{:02X}", byte);
    }
    return out;
}

// "Debian systemd Maintainers <list@example>" → name, address
std::pair<std::string, std::string> name_and_address(std::string_view maintainer) {
    const auto open = maintainer.rfind('<');
    if (open == maintainer.npos || !maintainer.ends_with('>')) return {std::string(trim(maintainer)), ""};
    return {std::string(trim(maintainer.substr(0, open))),
            std::string(maintainer.substr(open + 1, maintainer.size() - open - 2))};
}

std::string spdx_actor(const lock::Package& package) {
    const auto [name, address] = name_and_address(package.maintainer);
    if (name.empty()) return std::string(no_assertion);
    return address.empty() ? fmt::format("Organization: {}", name)
                           : fmt::format("Organization: {} ({})", name, address);
}

// Letters, digits, '.' and '-' only; the digest keeps "g++" and "g--" apart.
std::string spdx_id(const lock::Package& package) {
    std::string name = package.name;
    std::ranges::replace_if(
        name, [](unsigned char c) { return !std::isalnum(c) && c != '.' && c != '-'; }, '-');
    return fmt::format("SPDXRef-deb-{}-{}", name, package.sha256.hex().substr(0, short_digest));
}

Json spdx_checksums(const Digest& digest) {
    return Json::array({{{"algorithm", "SHA256"}, {"checksumValue", digest.hex()}}});
}

Json spdx_package(const Contained& item) {
    const auto& package = *item.package;
    return {
        {"SPDXID", spdx_id(package)},
        {"name", package.name},
        {"versionInfo", package.version},
        {"supplier", spdx_actor(package)},
        {"downloadLocation", no_assertion},
        {"filesAnalyzed", false},
        {"checksums", spdx_checksums(package.sha256)},
        {"sourceInfo", fmt::format("built from source package {} {}", package.source, package.source_version)},
        {"homepage", package.homepage.empty() ? std::string(no_assertion) : package.homepage},
        {"licenseConcluded", no_assertion},
        {"licenseDeclared", no_assertion},
        {"copyrightText", no_assertion},
        {"comment",
         fmt::format("archive {}, component {}; in {}", package.archive, package.component, join(item.parts, ", "))},
        {"externalRefs", Json::array({{{"referenceCategory", "PACKAGE-MANAGER"},
                                       {"referenceType", "purl"},
                                       {"referenceLocator", package_url(package)}}})},
    };
}

Json spdx_image(const Subject& subject) {
    return {
        {"SPDXID", "SPDXRef-image"},
        {"name", title(subject)},
        {"versionInfo", subject.release},
        {"supplier", no_assertion},
        {"downloadLocation", no_assertion},
        {"filesAnalyzed", false},
        {"primaryPackagePurpose", "OPERATING-SYSTEM"},
        {"checksums", spdx_checksums(subject.disk)},
        {"licenseConcluded", no_assertion},
        {"licenseDeclared", no_assertion},
        {"copyrightText", no_assertion},
        {"comment", fmt::format("dm-verity root hash {}; lock {}", subject.root_hash.hex(), subject.lock.hex())},
    };
}

Json relationship(std::string_view from, std::string_view type, std::string_view to) {
    return {{"spdxElementId", from}, {"relationshipType", type}, {"relatedSpdxElement", to}};
}

Json property(std::string_view name, std::string_view value) { return {{"name", name}, {"value", value}}; }
Json cyclonedx_hashes(const Digest& digest) { return Json::array({{{"alg", "SHA-256"}, {"content", digest.hex()}}}); }

Json cyclonedx_component(const Contained& item) {
    const auto& package = *item.package;
    Json out{
        {"type", "library"},
        {"bom-ref", component_reference(package.name, package.sha256)},
        {"name", package.name},
        {"version", package.version},
        {"purl", package_url(package)},
        {"hashes", cyclonedx_hashes(package.sha256)},
        {"properties",
         Json::array({property("ashlar:archive", package.archive), property("ashlar:component", package.component),
                      property("ashlar:parts", join(item.parts, ",")), property("ashlar:source", package.source),
                      property("ashlar:source-version", package.source_version)})},
    };
    if (const auto [name, address] = name_and_address(package.maintainer); !name.empty())
        out["supplier"] = {{"name", name}};
    if (!package.homepage.empty())
        out["externalReferences"] = Json::array({{{"type", "website"}, {"url", package.homepage}}});
    return out;
}

Json cyclonedx_image(const Subject& subject) {
    return {
        {"type", "operating-system"},
        {"bom-ref", "image"},
        {"name", title(subject)},
        {"version", subject.release},
        {"hashes", cyclonedx_hashes(subject.disk)},
        {"properties",
         Json::array({property("ashlar:lock", subject.lock.hex()), property("ashlar:role", subject.role),
                      property("ashlar:root-hash", subject.root_hash.hex()), property("ashlar:train", subject.train)})},
    };
}

} // namespace

std::string package_url(const lock::Package& package) {
    return fmt::format(
        "pkg:deb/{}/{}@{}?arch={}", percent_encoded(package.archive.substr(0, package.archive.find('-'))),
        percent_encoded(package.name), percent_encoded(package.version), percent_encoded(package.architecture));
}

std::string component_reference(std::string_view name, const Digest& digest) { return fmt::format("deb:{}:{}", name, digest.hex().substr(0, short_digest)); }

std::string spdx(const Subject& subject) {
    Json packages = Json::array({spdx_image(subject)});
    Json relationships = Json::array({relationship("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-image")});
    for (const auto& item : contained(subject)) {
        packages.push_back(spdx_package(item));
        relationships.push_back(relationship("SPDXRef-image", "CONTAINS", spdx_id(*item.package)));
    }
    return pretty({
        {"spdxVersion", "SPDX-2.3"},
        {"dataLicense", "CC0-1.0"},
        {"SPDXID", "SPDXRef-DOCUMENT"},
        {"name", title(subject)},
        {"documentNamespace", "urn:uuid:" + document_id("spdx", subject).text()},
        {"creationInfo",
         {{"created", utc(subject.epoch)}, {"creators", Json::array({"Tool: ashlar-" + subject.ashlar})}}},
        {"packages", packages},
        {"relationships", relationships},
    });
}

std::string cyclonedx(const Subject& subject) {
    Json components = Json::array();
    for (const auto& item : contained(subject)) components.push_back(cyclonedx_component(item));
    return pretty({
        {"bomFormat", "CycloneDX"},
        {"specVersion", "1.6"},
        {"serialNumber", "urn:uuid:" + document_id("cyclonedx", subject).text()},
        {"version", 1},
        {"metadata",
         {{"timestamp", utc(subject.epoch)},
          {"tools",
           {{"components", Json::array({{{"type", "application"}, {"name", "ashlar"}, {"version", subject.ashlar}}})}}},
          {"component", cyclonedx_image(subject)}}},
        {"components", components},
    });
}

std::string package_list(const Subject& subject) {
    std::string out;
    for (const auto& [package, parts] : contained(subject))
        out += fmt::format("{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\n", package->name, package->version,
                           package->architecture, package->source, package->source_version, package->archive,
                           package->component, join(parts, ","), package->sha256.hex());
    return out;
}

} // namespace ashlar::evidence
