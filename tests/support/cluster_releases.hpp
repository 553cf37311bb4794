#pragma once

// Releases of a small cluster, for the tests of whoever reads one.

#include <signing/cluster_release.hpp>

#include <string>

namespace samples {

using namespace ashlar;

inline ReleaseVersion release_version(std::string_view text) { return parse_release_version(text).value(); }
inline ReleaseOrigin release_origin(std::string_view text) { return parse_release_origin(text).value(); }
inline Day day(std::string_view text) { return parse_day(text).value(); }

// An image with a UKI, a whole stream and a delta.
inline ReleaseImage release_image(const std::string& role, const std::string& release) {
    const std::string base = "ashlar_" + role + "_" + release + "_amd64";
    ReleaseImage image{.role = role,
                       .architecture = "amd64",
                       .manifest = sha256(base + ".manifest.json"),
                       .index = {.role = role,
                                 .release = release,
                                 .architecture = "amd64",
                                 .root_hash = sha256(base + " root"),
                                 .root_size = 4096,
                                 .uki = {base + ".efi", 10},
                                 .uki_digest = sha256(base + ".efi")}};
    image.index.uki_deltas = {{sha256("old UKI"), {base + ".efi.delta", 3}}};
    image.index.streams = {{std::nullopt, {base + ".full", 20}}, {sha256("old root"), {base + ".delta", 5}}};
    for (const auto& [file, size, kind] : {std::tuple{base + ".delta", std::uint64_t{5}, FileKind::delta}, {base + ".efi", 10, FileKind::uki},
                                           {base + ".efi.delta", 3, FileKind::delta}, {base + ".full", 20, FileKind::full},
                                           {base + ".manifest.json", 7, FileKind::manifest}, {base + ".spdx.json", 8, FileKind::spdx}})
        image.files.push_back({file, size, sha256(file), kind});
    return image;
}

inline ClusterRelease cluster_release(const std::string& version = "R1.0") {
    ClusterRelease release{.release = release_version(version),
                           .epoch = 1'700'000'000,
                           .ashlar = "0.1.0",
                           .support = {day("2026-12-01"), day("2028-06-30")},
                           .images = {release_image("compute", version), release_image("control", version)},
                           .components = {{.name = "etcd",
                                           .version = "3.5.16",
                                           .package = "etcd-server",
                                           .package_version = "3.5.16-4",
                                           .roles = {"control"},
                                           .maintainer = "Debian Go Packaging Team",
                                           .maintained_until = day("2028-06-30")},
                                          {.name = "nova",
                                           .version = "31.0.0",
                                           .package = "nova-common",
                                           .package_version = "2:31.0.0-6",
                                           .roles = {"compute", "control"},
                                           .maintainer = "Debian OpenStack Team"}},
                           .order = {{.roles = {"control"}, .gates = {"etcd"}}, {.roles = {"compute"}, .gates = {"nova-drained"}}},
                           .barriers = {{"etcd-version", "etcd", "etcd's cluster version"}},
                           .accept = {{"listener", "control/ssh.service", "operators log in"}},
                           .evidence = {{"notes.md", 4, sha256("notes"), EvidenceKind::notes}}};
    if (release.release > release_version("R0.5")) {
        release.previous = {release_origin("R0.4"), release_origin("R0.5")};
        release.floors = {release_version("R0.4")};
    }
    return release;
}

} // namespace samples
