# What pages say about tests, and programs of formations that are no C++.
if(ASHLAR_TESTS AND ASHLAR_BUILDER)
  add_test(NAME docs.failures COMMAND ${CMAKE_SOURCE_DIR}/tests/fast/named_tests docs/guides/failures.md)
  set_tests_properties(docs.failures PROPERTIES LABELS fast)
  # Programs of formations, in Python's own framework.
  foreach(service ceph firewall galera metrics ovn rabbitmq vip)
    add_test(NAME programs.${service} COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/unit/programs/${service}_test.py)
    set_tests_properties(programs.${service} PROPERTIES LABELS fast)
  endforeach()
endif()
