ashlar_module(reset FOLDER firstboot/reset USES base signing)
# The tests want outside judges (cryptsetup, ssh-keygen, sfdisk), which the root that compiles the node's part does not have.
if(ASHLAR_BUILDER)
  ashlar_tests(reset USES reset node disks gpt)
endif()
