# Sites on this machine: nodes in containers and machines, from built images.
ashlar_module(virtual_site FOLDER builder/virtual_site USES base signing gpt image site machine)
ashlar_tests(virtual_site USES virtual_site)

# Nodes and sites of them; run by tests/site/run, which builds their image.
if(ASHLAR_TESTS)
  # Brought onto a node by its test.
  add_executable(formation_probe tests/site/programs/formation_probe.cpp)
  target_link_libraries(formation_probe PRIVATE ashlar::forming ashlar_warnings)
  target_link_options(formation_probe PRIVATE -static-libstdc++ -static-libgcc)
  file(GLOB sources CONFIGURE_DEPENDS tests/site/*.cpp)
  add_executable(test_nodes ${sources})
  target_include_directories(test_nodes PRIVATE tests/support)
  target_link_libraries(test_nodes PRIVATE ashlar::virtual_site ashlar::root ashlar::site ashlar_warnings GTest::gmock)
  target_compile_definitions(test_nodes PRIVATE ASHLAR_FORMATION_PROBE="$<TARGET_FILE:formation_probe>" ASHLAR_TESTS_OF_ALERTS="${CMAKE_SOURCE_DIR}/tests/site/programs/alerts.yml")
  add_dependencies(test_nodes formation_probe)
endif()
