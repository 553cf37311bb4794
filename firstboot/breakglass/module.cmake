ashlar_module(breakglass FOLDER firstboot/breakglass USES base signing)
# The tests want ssh-keygen, which the root that compiles the node's part does not have.
if(ASHLAR_BUILDER)
  ashlar_tests(breakglass USES breakglass)
endif()
