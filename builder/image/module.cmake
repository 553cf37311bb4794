# From a recorded tree to a disk image. The only door to libfdisk.
pkg_check_modules(fdisk REQUIRED IMPORTED_TARGET fdisk)
ashlar_module(image FOLDER builder/image USES base toml signing recipe archive root LINK PkgConfig::fdisk)
ashlar_tests(image USES image)
ashlar_fuzz(fat USES image)
