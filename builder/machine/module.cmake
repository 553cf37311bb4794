# Virtual machines that boot images as real ones would: QEMU, UEFI with Secure Boot, a software TPM.
ashlar_module(machine FOLDER builder/machine USES base signing)
ashlar_tests(machine USES machine)
if(TARGET test_machine)
  target_include_directories(test_machine PRIVATE builder/machine) # the parts are tested one by one
endif()

# Boots of whole images; run by tests/boot/run, which builds them.
if(ASHLAR_TESTS)
  file(GLOB sources CONFIGURE_DEPENDS tests/boot/*.cpp)
  add_executable(test_boot ${sources})
  target_link_libraries(test_boot PRIVATE ashlar_powercut ashlar::machine ashlar::image ashlar::state ashlar::store ashlar_warnings GTest::gmock_main)
endif()

# Releases of a train, taken by a node; run by tests/trains/run, which cuts them.
if(ASHLAR_TESTS)
  add_executable(test_trains tests/trains/upgrade.cpp tests/boot/node.cpp tests/boot/disk.cpp tests/boot/repository_medium.cpp)
  target_link_libraries(test_trains PRIVATE ashlar_powercut ashlar::machine ashlar::image ashlar::state ashlar::store ashlar_warnings GTest::gmock_main)
endif()
