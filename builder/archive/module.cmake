# The only door to libarchive and libzstd.
pkg_check_modules(libarchive REQUIRED IMPORTED_TARGET libarchive)
pkg_check_modules(libzstd REQUIRED IMPORTED_TARGET libzstd)
ashlar_module(archive FOLDER builder/archive USES base signing LINK PkgConfig::libarchive PkgConfig::libzstd)
ashlar_tests(archive USES base signing archive)
ashlar_fuzz(deb USES base archive)
