# From what a role asks for to the complete set of packages; the only module that knows libsolv.
pkg_check_modules(libsolv REQUIRED IMPORTED_TARGET libsolv)
ashlar_module(solver FOLDER builder/solver USES base signing debian LINK PkgConfig::libsolv)
ashlar_tests(solver USES base debian solver)

if(ASHLAR_TESTS)
  # The judge is APT itself: tests/oracle/apt_oracle.sh.
  add_executable(oracle_driver tests/oracle/driver.cpp)
  target_link_libraries(oracle_driver PRIVATE ashlar::base ashlar::debian ashlar::solver ashlar_warnings)
  set(ASHLAR_ORACLE_INDEX "" CACHE PATH "Indices for the APT oracle; empty = this machine's archive, through APT")
  add_test(NAME oracle.apt COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/tests/oracle/apt_oracle.sh --driver $<TARGET_FILE:oracle_driver>
    $<$<BOOL:${ASHLAR_ORACLE_INDEX}>:--index> $<$<BOOL:${ASHLAR_ORACLE_INDEX}>:${ASHLAR_ORACLE_INDEX}>
    COMMAND_EXPAND_LISTS)
  set_tests_properties(oracle.apt PROPERTIES LABELS "fast;oracle" TIMEOUT 1800)
endif()
