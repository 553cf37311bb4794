# What stands beside an image: manifest, bills of materials, package list.
ashlar_module(evidence FOLDER builder/evidence USES base signing lock image)
ashlar_tests(evidence USES evidence)
if(ASHLAR_TESTS)
  add_test(NAME oracle.sbom COMMAND ${CMAKE_SOURCE_DIR}/tests/unit/evidence/judge.sh $<TARGET_FILE:test_evidence>)
  set_tests_properties(oracle.sbom PROPERTIES LABELS fast)
endif()
