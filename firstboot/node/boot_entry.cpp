#include "boot_entry.hpp"

#include <base/error.hpp>
#include <base/process.hpp>
#include <base/text.hpp>

#include <fmt/format.h>

namespace ashlar::node {

namespace {

// Architectures differ in the name of the file; one disk has one of them.
#if defined(__aarch64__)
constexpr const char* boot_loader = R"(\EFI\systemd\systemd-bootaa64.efi)";
#else
constexpr const char* boot_loader = R"(\EFI\systemd\systemd-bootx64.efi)";
#endif

} // namespace

std::vector<std::string> entries_labelled(std::string_view label, std::string_view printed) {
    // "Boot0004* Ashlar\tHD(1,GPT,…)/\EFI\…"; without '*' it is not active.
    constexpr std::string_view word = "Boot";
    constexpr std::size_t digits = 4;
    std::vector<std::string> numbers;
    for (auto line : split(printed, '\n')) {
        if (!line.starts_with(word) || line.size() < word.size() + digits + 2) continue;
        const auto number = line.substr(word.size(), digits);
        const auto rest = line.substr(word.size() + digits);
        if (number.find_first_not_of("0123456789ABCDEF") != number.npos || (rest[0] != '*' && rest[0] != ' ')) continue;
        if (trim(rest.substr(1, rest.find('\t') - 1)) == label) numbers.emplace_back(number);
    }
    return numbers;
}

std::optional<std::string> put_first(const std::filesystem::path& disk, unsigned boot_partition) {
    try {
        for (const auto& number : entries_labelled(boot_entry_label, run_checked({.argv = {"efibootmgr"}})))
            run_checked({.argv = {"efibootmgr", "--quiet", "--delete-bootnum", "--bootnum", number}});
        run_checked({.argv = {"efibootmgr", "--quiet", "--create", "--disk", disk.native(), "--part", std::to_string(boot_partition), "--label",
                              std::string(boot_entry_label), "--loader", boot_loader}});
        return std::nullopt;
    } catch (const Error& error) {
        return fmt::format("the firmware takes no boot entry, so the order of its disks decides ({})", error.message());
    }
}

} // namespace ashlar::node
