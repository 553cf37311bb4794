# What pages say about tests.
if(ASHLAR_TESTS AND ASHLAR_BUILDER)
  add_test(NAME docs.failures COMMAND ${CMAKE_SOURCE_DIR}/tests/fast/named_tests docs/guides/failures.md)
  set_tests_properties(docs.failures PROPERTIES LABELS fast)
endif()
