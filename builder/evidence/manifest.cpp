#include <evidence/manifest.hpp>

#include "contained.hpp"

#include <base/error.hpp>
#include <base/json.hpp>
#include <base/text.hpp>

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace ashlar::evidence {

namespace {

constexpr int format_number = 1;

// Formats name the algorithm of a digest, so that another can follow.
constexpr std::string_view algorithm = "sha256:";
std::string with_algorithm(const Digest& digest) { return fmt::format("{}{}", algorithm, digest.hex()); }

Json to_json(const Artefact& artefact) {
    return {{"file", artefact.file}, {"digest", with_algorithm(artefact.sha256)}, {"size", artefact.size}};
}

Json to_json(const ManifestPackage& package) {
    return {{"name", package.name},
            {"version", package.version},
            {"architecture", package.architecture},
            {"source", package.source},
            {"source_version", package.source_version},
            {"digest", with_algorithm(package.sha256)},
            {"parts", package.parts}};
}

// A JSON object of which every key is taken exactly once.
class Reader {
public:
    Reader(const Json& object, std::string place, std::string_view name)
        : object_(object), place_(std::move(place)), name_(name) {
        if (!object.is_object()) throw refuse("it is no object");
        for (const auto& [key, value] : object.items()) left_.push_back(key);
    }

    std::string text(const std::string& key) {
        const auto& value = take(key);
        if (!value.is_string() || value.get_ref<const std::string&>().empty())
            throw refuse(fmt::format("'{}' is no text", key));
        return value.get<std::string>();
    }
    template <typename Number> Number number(const std::string& key) {
        const auto& value = take(key);
        if (!value.is_number_integer() || (value.is_number_integer() && !value.is_number_unsigned()))
            throw refuse(fmt::format("'{}' is no number from 0 on", key));
        const auto wide = value.get<std::uint64_t>();
        if (wide > static_cast<std::uint64_t>(std::numeric_limits<Number>::max()))
            throw refuse(fmt::format("'{}' is too large", key));
        return static_cast<Number>(wide);
    }
    Digest digest(const std::string& key) {
        const auto written = text(key);
        const auto parsed = written.starts_with(algorithm)
                                ? Digest::from_hex(std::string_view(written).substr(algorithm.size()))
                                : std::nullopt;
        if (!parsed) throw refuse(fmt::format("'{}' is not 'sha256:' and 64 hexadecimal digits", key));
        return *parsed;
    }
    [[nodiscard]] bool has(const std::string& key) const { return object_.contains(key); }
    std::vector<std::string> texts(const std::string& key) {
        std::vector<std::string> out;
        for (const auto& value : list(key)) {
            if (!value.is_string()) throw refuse(fmt::format("'{}' holds something that is no text", key));
            out.push_back(value.get<std::string>());
        }
        return out;
    }
    const Json& list(const std::string& key) {
        const auto& value = take(key);
        if (!value.is_array()) throw refuse(fmt::format("'{}' is no list", key));
        return value;
    }
    const Json& object(const std::string& key) {
        const auto& value = take(key);
        if (!value.is_object()) throw refuse(fmt::format("'{}' is no object", key));
        return value;
    }
    void finish() const {
        if (!left_.empty()) throw refuse(fmt::format("unknown key '{}'", left_.front()));
    }
    [[nodiscard]] Error refuse(std::string_view cause) const {
        return Error(
            fmt::format("cannot read manifest '{}': {}{}{}", name_, place_, place_.empty() ? "" : ": ", cause));
    }

private:
    const Json& take(const std::string& key) {
        if (!object_.contains(key)) throw refuse(fmt::format("'{}' is missing", key));
        std::erase(left_, key);
        return object_.at(key);
    }

    const Json& object_;
    std::string place_;
    std::string_view name_;
    std::vector<std::string> left_;
};

Artefact read_artefact(const Json& json, const std::string& kind, std::string_view name) {
    Reader reader(json, fmt::format("artefact '{}'", kind), name);
    Artefact artefact{
        .file = reader.text("file"), .sha256 = reader.digest("digest"), .size = reader.number<std::uint64_t>("size")};
    if (artefact.file.find('/') != std::string::npos) throw reader.refuse("'file' is not a plain file name");
    reader.finish();
    return artefact;
}

ManifestPackage read_package(const Json& json, std::size_t index, std::string_view name) {
    Reader reader(json, fmt::format("package {}", index + 1), name);
    ManifestPackage package{.name = reader.text("name"),
                            .version = reader.text("version"),
                            .architecture = reader.text("architecture"),
                            .source = reader.text("source"),
                            .source_version = reader.text("source_version"),
                            .sha256 = reader.digest("digest"),
                            .parts = reader.texts("parts")};
    reader.finish();
    return package;
}

// What is wrong with one file, if anything. `size`: absent where the manifest says none.
std::optional<std::string> file_fault(const std::filesystem::path& path, const Digest& digest,
                                      std::optional<std::uint64_t> size) {
    const auto name = path.filename().native();
    if (!std::filesystem::is_regular_file(path)) return fmt::format("'{}' is not there, the manifest names it", name);
    if (const auto is = std::filesystem::file_size(path); size && is != *size)
        return fmt::format("'{}' has {} bytes, the manifest says {}", name, is, *size);
    if (const auto is = sha256_of_file(path); is != digest)
        return fmt::format("'{}' has the digest '{}', the manifest says '{}'", name, is.hex(), digest.hex());
    return std::nullopt;
}

} // namespace

std::vector<ManifestPackage> packages_of(const Subject& subject) {
    std::vector<ManifestPackage> out;
    for (const auto& [package, parts] : contained(subject))
        out.push_back({package->name, package->version, package->architecture, package->source, package->source_version,
                       package->sha256, parts});
    return out;
}

std::string to_text(const Manifest& manifest) {
    Json artefacts = Json::object();
    for (const auto& [kind, artefact] : manifest.artefacts) artefacts[kind] = to_json(artefact);
    Json packages = Json::array();
    for (const auto& package : manifest.packages) packages.push_back(to_json(package));
    Json json{
        {"format", format_number},
        {"role", manifest.role},
        {"release", manifest.release},
        {"train", manifest.train},
        {"architecture", manifest.architecture},
        {"epoch", manifest.epoch},
        {"ashlar", manifest.ashlar},
        {"lock", with_algorithm(manifest.lock)},
        {"root_hash", with_algorithm(manifest.root_hash)},
        {"kernel", manifest.kernel},
        {"command_line", manifest.command_line},
        {"uki",
         {{"unsigned", with_algorithm(manifest.unsigned_uki)},
          {"authenticode", with_algorithm(manifest.authenticode)}}},
        {"artefacts", artefacts},
        {"packages", packages},
    };
    if (manifest.trusted_root) json["trusted_root"] = with_algorithm(*manifest.trusted_root);
    return pretty(json);
}

Manifest parse_manifest(std::string_view text, std::string_view name) {
    const auto json = parse_json(text, name);
    Reader reader(json, "", name);
    if (const auto number = reader.number<std::uint32_t>("format"); number != format_number)
        throw Error(fmt::format("cannot read manifest '{}': its format is {}, this program reads {}", name, number,
                                format_number),
                    "use a newer ashlar");
    Reader uki(reader.object("uki"), "uki", name);
    Manifest manifest{
        .role = reader.text("role"),
        .release = reader.text("release"),
        .train = reader.text("train"),
        .architecture = reader.text("architecture"),
        .epoch = reader.number<std::int64_t>("epoch"),
        .ashlar = reader.text("ashlar"),
        .lock = reader.digest("lock"),
        .root_hash = reader.digest("root_hash"),
        .kernel = reader.text("kernel"),
        .command_line = reader.texts("command_line"),
        .unsigned_uki = uki.digest("unsigned"),
        .authenticode = uki.digest("authenticode"),
        .trusted_root = reader.has("trusted_root") ? std::optional(reader.digest("trusted_root")) : std::nullopt,
    };
    uki.finish();
    for (const auto& [kind, artefact] : reader.object("artefacts").items())
        manifest.artefacts.emplace(kind, read_artefact(artefact, kind, name));
    if (!manifest.artefacts.contains("disk")) throw reader.refuse("there is no artefact 'disk'");
    for (const auto& package : reader.list("packages"))
        manifest.packages.push_back(read_package(package, manifest.packages.size(), name));
    reader.finish();
    return manifest;
}

std::vector<std::string> compare(const Manifest& manifest, const image::Inspection& inspection,
                                 const std::optional<Digest>& disk) {
    std::vector<std::string> differences;
    const auto expect = [&](std::string_view what, const std::string& said, const std::string& is) {
        if (said != is) differences.push_back(fmt::format("{} is '{}', the manifest says '{}'", what, is, said));
    };
    const auto field = [&](const std::string& key) {
        const auto found = inspection.os_release.find(key);
        return found == inspection.os_release.end() ? std::string() : found->second;
    };
    const auto uki = std::ranges::find(inspection.programs, inspection.uki, &image::EfiProgram::path);
    const auto& artefact = manifest.artefacts.at("disk");
    if (disk) expect("the digest", artefact.sha256.hex(), disk->hex());
    expect("the size", fmt::format("{}", artefact.size), fmt::format("{}", inspection.size));
    expect("the role", manifest.role, field("VARIANT_ID"));
    expect("the release", manifest.release, field("IMAGE_VERSION"));
    expect("the root hash", manifest.root_hash.hex(), inspection.root_hash.hex());
    expect("the kernel", manifest.kernel, inspection.kernel_version);
    expect("the command line", join(manifest.command_line, " "), inspection.command_line);
    expect("the UKI's Authenticode digest", manifest.authenticode.hex(),
           uki == inspection.programs.end() ? "" : uki->authenticode);
    return differences;
}

std::vector<std::string> compare_files(const Manifest& manifest, const std::filesystem::path& directory) {
    std::vector<std::string> differences;
    const auto compare_one = [&](const std::string& name, const Digest& digest, std::optional<std::uint64_t> size) {
        if (auto fault = file_fault(directory / name, digest, size)) differences.push_back(std::move(*fault));
    };
    for (const auto& [kind, artefact] : manifest.artefacts)
        if (kind != "disk") compare_one(artefact.file, artefact.sha256, artefact.size);
    compare_one(base_name(manifest.role, manifest.release, manifest.architecture) + ".lock", manifest.lock,
                std::nullopt);
    return differences;
}

} // namespace ashlar::evidence
