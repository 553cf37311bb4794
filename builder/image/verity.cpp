#include <image/verity.hpp>

#include <image/identifiers.hpp>

#include <base/error.hpp>

#include <fmt/format.h>

namespace ashlar::image {

VerityParameters verity_parameters(std::string_view role) {
    const auto salt = sha256(fmt::format("ashlar:salt:{}", role));
    return {.uuid = guid_named(fmt::format("verity:{}", role)), .salt = {salt.bytes().begin(), salt.bytes().end()}};
}

Digest make_verity(std::string_view role, const std::filesystem::path& file_system,
                   const std::filesystem::path& output) {
    return while_doing(fmt::format("making the hash tree of '{}'", role),
                       [&] { return write_verity(file_system, output, verity_parameters(role)); });
}

} // namespace ashlar::image
