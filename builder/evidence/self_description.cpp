#include <evidence/self_description.hpp>

#include <evidence/subject.hpp>

#include <base/error.hpp>
#include <base/json.hpp>

#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>

namespace ashlar::evidence {

namespace {

Json context() {
    return {{"gx", "https://w3id.org/gaia-x/development#"}, {"schema", "https://schema.org/"}, {"spdx", "http://spdx.org/rdf/terms#"}, {"xsd", "http://www.w3.org/2001/XMLSchema#"}};
}

Json date(Day day) { return {{"@type", "xsd:date"}, {"@value", ashlar::to_text(day)}}; }
Json reference(std::string id) { return {{"@id", std::move(id)}}; }

std::string id_of(const ClusterRelease& release) { return fmt::format("#{}", to_text(release.release)); }
std::string id_of(const ClusterRelease& release, const ReleaseImage& image) {
    return fmt::format("#{}", base_name(image.role, to_text(release.release), image.architecture));
}
std::string id_of(const ReleaseComponent& component) { return fmt::format("#component-{}", component.name); }

Json checksum(const Digest& digest) {
    return {{"@type", "gx:CheckSum"}, {"gx:checkSumCalculation", "sha256"}, {"gx:checkSumValue", digest.hex()}};
}

// A repository has the digest in front of each name: docs/formats/trust.md.
template <typename Kind> Json file(const NamedFile<Kind>& named) {
    return {{"@id", fmt::format("{}.{}", named.sha256.hex(), named.file)},
            {"@type", "schema:MediaObject"},
            {"schema:name", named.file},
            {"schema:additionalType", to_string(named.kind)},
            {"gx:fileSize", named.size},
            {"gx:checksum", checksum(named.sha256)}};
}

bool is_bill_of_materials(const ImageFile& named) { return named.kind == FileKind::spdx || named.kind == FileKind::cyclonedx; }

Json sorted_set(const std::vector<std::string>& texts) { return Json(std::set<std::string>(texts.begin(), texts.end())); }

class Description {
public:
    explicit Description(const SelfDescription& subject) : subject_(subject), release_(subject.release) {}

    [[nodiscard]] std::string text() const {
        Json graph = Json::array({offering()});
        for (const ReleaseImage& image : release_.images) graph.push_back(resource(image));
        for (const ReleaseComponent& component : release_.components) graph.push_back(resource(component));
        return pretty({{"@context", context()}, {"@graph", std::move(graph)}});
    }

private:
    [[nodiscard]] Json offering() const {
        Json parts = Json::array(), evidence = Json::array();
        for (const ReleaseImage& image : release_.images) parts.push_back(reference(id_of(release_, image)));
        for (const ReleaseComponent& component : release_.components) parts.push_back(reference(id_of(component)));
        for (const EvidenceFile& named : release_.evidence) evidence.push_back(file(named));
        return {{"@id", id_of(release_)},
                {"@type", "gx:ServiceOffering"},
                {"schema:name", fmt::format("Release {} of train {}", to_text(release_.release), to_text(release_.release.train))},
                {"schema:softwareVersion", to_text(release_.release)},
                {"schema:dateCreated", utc(release_.epoch)},
                {"schema:validFrom", date(release_.support.from)},
                {"schema:validThrough", date(release_.support.until)},
                {"gx:aggregationOfResources", std::move(parts)},
                {"schema:subjectOf", std::move(evidence)}};
    }

    [[nodiscard]] const Manifest& manifest_of(const ReleaseImage& image) const {
        const auto found = std::ranges::find_if(subject_.manifests, [&](const Manifest& manifest) { return manifest.role == image.role && manifest.architecture == image.architecture; });
        if (found == subject_.manifests.end()) throw refusal(fmt::format("there is no manifest of image '{}'", image.role));
        if (sha256(to_text(*found)) != image.manifest) throw refusal(fmt::format("the manifest of image '{}' is not the one that the release names", image.role));
        return *found;
    }
    [[nodiscard]] Error refusal(std::string_view cause) const {
        return Error(fmt::format("cannot describe release '{}': {}", to_text(release_.release), cause), "take release and manifests from one cut");
    }

    [[nodiscard]] Json resource(const ReleaseImage& image) const {
        const Manifest& manifest = manifest_of(image);
        Json files = Json::array(), bills = Json::array();
        for (const ImageFile& named : image.files) (is_bill_of_materials(named) ? bills : files).push_back(file(named));
        Json json{{"@id", id_of(release_, image)},
                  {"@type", "gx:SoftwareResource"},
                  {"schema:name", fmt::format("Image of role {}", image.role)},
                  {"schema:softwareVersion", manifest.release},
                  {"schema:processorRequirements", manifest.architecture},
                  {"schema:operatingSystem", fmt::format("Linux {}", manifest.kernel)},
                  {"schema:numberOfItems", manifest.packages.size()},
                  {"schema:validThrough", date(release_.support.until)},
                  {"gx:updateStrategy", "whole image, signed; the older one stays until the new one has proved itself"},
                  {"gx:checksum", checksum(manifest.root_hash)},
                  {"schema:encoding", std::move(files)},
                  {"spdx:describesPackage", std::move(bills)}};
        if (const auto licences = subject_.licences.find(image.role); licences != subject_.licences.end()) json["gx:license"] = sorted_set(licences->second);
        return json;
    }

    [[nodiscard]] static Json resource(const ReleaseComponent& component) {
        Json json{{"@id", id_of(component)},
                  {"@type", "gx:SoftwareResource"},
                  {"schema:name", component.name},
                  {"schema:softwareVersion", component.version},
                  {"schema:identifier", fmt::format("{} {}", component.package, component.package_version)},
                  {"schema:maintainer", {{"@type", "schema:Organization"}, {"schema:name", component.maintainer}}}};
        if (component.maintained_until) json["schema:validThrough"] = date(*component.maintained_until);
        return json;
    }

    const SelfDescription& subject_;
    const ClusterRelease& release_;
};

} // namespace

std::string self_description(const SelfDescription& subject) { return Description(subject).text(); }

} // namespace ashlar::evidence
