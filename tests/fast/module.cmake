# What pages say about tests, and programs of formations that are no C++.
if(ASHLAR_TESTS AND ASHLAR_BUILDER)
  add_test(NAME docs.failures COMMAND ${CMAKE_SOURCE_DIR}/tests/fast/named_tests docs/guides/failures.md)
  set_tests_properties(docs.failures PROPERTIES LABELS fast)
  add_test(NAME programs.ovn COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/unit/programs/ovn_test.py)
  add_test(NAME programs.ceph COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/unit/programs/ceph_test.py)
  set_tests_properties(programs.ovn programs.ceph PROPERTIES LABELS fast)
endif()
