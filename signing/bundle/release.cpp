#include <bundle/release.hpp>

#include <base/error.hpp>
#include <base/json.hpp>

#include <fmt/format.h>

namespace ashlar::bundle {

namespace {

// A name that stays beside release.json.
std::string file_in(const Json& file) {
    const auto name = file.at("file").get<std::string>();
    if (name.empty() || name.front() == '.' || name.find('/') != name.npos) throw Error(fmt::format("cannot use '{}': it is no name of a file", name));
    return name;
}

ReleaseFile file_of(const Json& file) {
    const auto digest = Digest::from_hex(file.at("sha256").get<std::string>());
    if (!digest) throw Error(fmt::format("cannot use '{}': its SHA-256 is none", file_in(file)));
    return {file_in(file), file.at("size").get<std::uint64_t>(), *digest, file.at("kind").get<std::string>()};
}

std::vector<ReleaseFile> files_of(const Json& list) {
    std::vector<ReleaseFile> files;
    for (const Json& file : list) files.push_back(file_of(file));
    return files;
}

Release read(const Json& json, std::string_view path) {
    Release release{.path = std::string(path),
                    .release = json.at("release").get<std::string>(),
                    .train = json.at("train").get<std::string>(),
                    .supported_until = json.at("support").at("until").get<std::string>(),
                    .previous = json.at("previous").get<std::vector<std::string>>(),
                    .images = {},
                    .evidence = files_of(json.at("evidence"))};
    for (const Json& image : json.at("images"))
        release.images.push_back({image.at("role").get<std::string>(), image.at("architecture").get<std::string>(), files_of(image.at("files"))});
    return release;
}

} // namespace

std::string Release::path_of(const ReleaseFile& file) const { return path.substr(0, path.rfind('/') + 1) + file.file; }

Release release_of(std::string_view text, std::string_view path) {
    return while_doing(fmt::format("reading the release '{}'", path), [&] {
        try {
            return read(parse_json(text, path), path);
        } catch (const Json::exception& error) {
            throw Error(fmt::format("cannot read '{}': it does not say what a release says ({})", path, error.what()));
        }
    });
}

} // namespace ashlar::bundle
