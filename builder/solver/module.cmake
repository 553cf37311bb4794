# From what a role asks for to the complete set of packages; the only module that knows libsolv.
pkg_check_modules(libsolv REQUIRED IMPORTED_TARGET libsolv)
ashlar_module(solver FOLDER builder/solver USES base signing debian LINK PkgConfig::libsolv)
ashlar_tests(solver USES base debian solver)
