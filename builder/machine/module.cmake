# Virtual machines that boot images as real ones would: QEMU, UEFI with Secure Boot, a software TPM.
ashlar_module(machine FOLDER builder/machine USES base signing)
ashlar_tests(machine USES machine)
if(TARGET test_machine)
  target_include_directories(test_machine PRIVATE builder/machine) # the parts are tested one by one
endif()
