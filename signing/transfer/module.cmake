# The only door to libcurl.
pkg_check_modules(libcurl REQUIRED IMPORTED_TARGET libcurl>=7.85)
ashlar_module(transfer FOLDER signing/transfer USES base signing LINK PkgConfig::libcurl)
# The tests want a web server with TLS, which the root that compiles the node's part does not have.
if(ASHLAR_BUILDER)
  ashlar_tests(transfer USES base signing transfer)
endif()
