# Sites on this machine: nodes in containers, from built images.
ashlar_module(virtual_site FOLDER builder/virtual_site USES base signing gpt image)

# Nodes and sites of them; run by tests/site/run, which builds their image.
if(ASHLAR_TESTS)
  file(GLOB sources CONFIGURE_DEPENDS tests/site/*.cpp)
  add_executable(test_nodes ${sources})
  target_link_libraries(test_nodes PRIVATE ashlar::virtual_site ashlar::root ashlar::site ashlar_warnings GTest::gmock)
endif()
