# Power cuts: the replay of what a disk was told, and what judges each state of it. What needs no machine is
# tested in ring fast; tests/powercut/run installs and upgrades in QEMU.
if(ASHLAR_TESTS)
  file(GLOB sources CONFIGURE_DEPENDS tests/powercut/*.cpp)
  list(FILTER sources EXCLUDE REGEX "_(test|run)\\.cpp$")
  add_library(ashlar_powercut STATIC ${sources})
  target_include_directories(ashlar_powercut PUBLIC tests/powercut)
  target_link_libraries(ashlar_powercut PUBLIC ashlar::base ashlar::signing ashlar::image ashlar::disks ashlar::state PRIVATE ashlar_warnings)
  file(GLOB tests CONFIGURE_DEPENDS tests/powercut/*_test.cpp)
  add_executable(test_powercut ${tests})
  target_link_libraries(test_powercut PRIVATE ashlar_powercut ashlar_warnings GTest::gmock_main)
  add_test(NAME powercut COMMAND test_powercut)
  set_tests_properties(powercut PROPERTIES LABELS fast)

  # Run by tests/powercut/run, which builds the images.
  file(GLOB runs CONFIGURE_DEPENDS tests/powercut/*_run.cpp)
  add_executable(test_powercut_machine ${runs} tests/boot/disk.cpp tests/boot/repository_medium.cpp)
  target_link_libraries(test_powercut_machine PRIVATE ashlar_powercut ashlar::machine ashlar_warnings GTest::gmock_main)
endif()
