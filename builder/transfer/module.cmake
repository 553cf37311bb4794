# The only door to libcurl.
pkg_check_modules(libcurl REQUIRED IMPORTED_TARGET libcurl>=7.85)
ashlar_module(transfer FOLDER builder/transfer USES base signing LINK PkgConfig::libcurl fmt::fmt)
ashlar_tests(transfer USES base signing transfer)
