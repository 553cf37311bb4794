# Open vulnerabilities of images, from a snapshot of the Debian security tracker.
ashlar_module(vulnerabilities FOLDER builder/vulnerabilities USES base signing debian lock image evidence policy)
ashlar_tests(vulnerabilities USES base lock evidence policy vulnerabilities)
if(ASHLAR_TESTS)
  add_test(NAME oracle.vex COMMAND ${CMAKE_SOURCE_DIR}/tests/unit/evidence/judge.sh $<TARGET_FILE:test_vulnerabilities> Vulnerabilities.ValidatorsAccept)
  set_tests_properties(oracle.vex PROPERTIES LABELS fast)
endif()
ashlar_fuzz(tracker USES base vulnerabilities)
