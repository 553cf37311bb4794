ashlar_module(slots FOLDER firstboot/slots USES base signing gpt)
# The tests want an outside judge (sfdisk), which the root that compiles the node's part does not have.
if(ASHLAR_BUILDER)
  ashlar_tests(slots USES slots)
endif()
