# The only door to PKCS #11, through p11-kit. Nothing on a node signs, so nothing there links it.
pkg_check_modules(p11kit REQUIRED IMPORTED_TARGET p11-kit-1>=0.24)
ashlar_module(token FOLDER builder/token USES base signing LINK PkgConfig::p11kit)
# The tests make keys in SoftHSM's token, through PKCS #11.
ashlar_tests(token USES base signing token LINK PkgConfig::p11kit)
# Leaks of a module that is not ours are known by where they come from, which the fast way does not see.
if(TARGET test_token AND ASHLAR_SANITIZE)
  set_tests_properties(unit.token PROPERTIES ENVIRONMENT
    "ASAN_OPTIONS=fast_unwind_on_malloc=0;LSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tests/unit/token/leaks:print_suppressions=0")
endif()
