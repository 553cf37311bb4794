ashlar_module(genesis FOLDER firstboot/genesis USES base signing tuf certificates)
if(ASHLAR_BUILDER)
  ashlar_tests(genesis USES base signing tuf certificates genesis)
endif()
