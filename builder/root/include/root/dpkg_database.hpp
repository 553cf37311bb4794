#pragma once

// dpkg's database (var/lib/dpkg) as `dpkg --unpack` of the same packages would have left it, so that
// the root's own dpkg takes over from there: `dpkg --configure -a`.
//
//   status                     a paragraph a package, "install ok unpacked"
//   info/<package>.list        its paths, in its order
//   info/<package>.<member>    every member of control.tar but control itself
//   info/format                1
//   triggers/File, <name>      who is interested in which path and in which trigger
//   diversions, statoverride, available, arch, triggers/Unincorp, alternatives/, parts/, updates/
//
// <package> is "name:architecture" for `Multi-Arch: same`. One thing differs on purpose: dpkg leaves
// conffiles beside their place, as `<path>.dpkg-new`, and asks about each when it configures. Here they
// are in their place, and status has their MD5 already: for dpkg a conffile that is dealt with.

#include <root/unpack.hpp>

#include <filesystem>
#include <string_view>

namespace ashlar::root {

// `root` is what unpack() has just made. `architecture` is the root's, e.g. "amd64".
void write_dpkg_database(const std::filesystem::path& root, const Unpacked& unpacked, std::string_view architecture);

} // namespace ashlar::root
