# The only door to zstd for operation files. ashlard's package depends on no libzstd: there it is linked in.
pkg_check_modules(libzstd REQUIRED IMPORTED_TARGET libzstd>=1.5.4)
set(zstd PkgConfig::libzstd)
if(NOT ASHLAR_BUILDER)
  find_library(ASHLAR_ZSTD libzstd.a REQUIRED)
  set(zstd ${ASHLAR_ZSTD})
endif()
ashlar_module(delta FOLDER signing/delta USES base signing LINK ${zstd})
# The tests want RapidCheck, which the root that compiles the node's part does not have.
if(ASHLAR_BUILDER)
  ashlar_tests(delta USES base signing delta)
  ashlar_fuzz(delta USES base signing delta)
endif()
