#include <image/firmware.hpp>

#include <base/text.hpp>
#include <toml/source.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace ashlar::image {

void refuse_missing_firmware(const recipe::Role& role, const MissingFirmware& missing) {
    toml::Problems problems;
    for (const auto& [module, files] : missing) {
        const auto is_module = [&](const std::string& name) { return kernel_name(name) == module; };
        if (std::ranges::any_of(role.waived_firmware, is_module)) continue;
        const auto& named = role.kernel->initrd_modules;
        const auto word = std::ranges::find_if(named, is_module);
        problems.add(role.where(recipe::Element::initrd_module, word == named.end() ? module : *word),
                     fmt::format("module '{}' lacks its firmware: {}", module, join(files, ", ")),
                     fmt::format("add the package that has it, or waived_firmware = [\"{}\"]", module));
    }
    problems.raise();
}

} // namespace ashlar::image
