pkg_check_modules(fdisk REQUIRED IMPORTED_TARGET fdisk)
ashlar_module(gpt FOLDER signing/gpt USES base signing LINK PkgConfig::fdisk)
