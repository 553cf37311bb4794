#include <diff/capabilities.hpp>

#include <base/text.hpp>
#include <signing/bytes.hpp>

#include <array>
#include <span>
#include <vector>

#include <fmt/format.h>

namespace ashlar::diff {

namespace {

constexpr std::array<std::string_view, 41> names{
    "chown",        "dac_override", "dac_read_search", "fowner",     "fsetid",         "kill",       "setgid",     "setuid",    "setpcap",          "linux_immutable", "net_bind_service",
    "net_broadcast", "net_admin",   "net_raw",         "ipc_lock",   "ipc_owner",      "sys_module", "sys_rawio",  "sys_chroot", "sys_ptrace",      "sys_pacct",       "sys_admin",
    "sys_boot",     "sys_nice",     "sys_resource",    "sys_time",   "sys_tty_config", "mknod",      "lease",      "audit_write", "audit_control",  "setfcap",         "mac_override",
    "mac_admin",    "syslog",       "wake_alarm",      "block_suspend", "audit_read",  "perfmon",    "bpf",        "checkpoint_restore"};

constexpr std::size_t version_2 = 20, version_3 = 24; // sizes: version 3 has the root's uid behind it

std::string name_of(std::size_t bit) { return bit < names.size() ? fmt::format("cap_{}", names[bit]) : fmt::format("cap_{}", bit); }

} // namespace

std::string capabilities_text(std::string_view attribute) {
    const auto bytes = std::as_bytes(std::span(attribute));
    if (bytes.size() != version_2 && bytes.size() != version_3) return to_hex(bytes);
    const auto word = [&](std::size_t index) { return std::uint64_t{*little_endian_at<std::uint32_t>(bytes, index * 4)}; };
    const bool effective = (word(0) & 1U) != 0;
    const std::uint64_t permitted = word(1) | word(3) << 32U, inheritable = word(2) | word(4) << 32U;
    std::vector<std::string> all;
    for (std::size_t bit = 0; bit < 64; ++bit)
        if (((permitted | inheritable) >> bit & 1U) != 0) all.push_back(name_of(bit));
    return fmt::format("{}={}{}{}", join(all, ","), effective ? "e" : "", inheritable != 0 ? "i" : "", permitted != 0 ? "p" : "");
}

} // namespace ashlar::diff
