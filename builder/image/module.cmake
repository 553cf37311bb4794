pkg_check_modules(fdisk REQUIRED IMPORTED_TARGET fdisk)
ashlar_module(image FOLDER builder/image USES base signing LINK PkgConfig::fdisk)
ashlar_tests(image USES image)
