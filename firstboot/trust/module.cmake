# What a node believes about releases.
ashlar_module(trust FOLDER firstboot/trust USES base signing tuf bundle)
if(ASHLAR_BUILDER)
  ashlar_tests(trust USES base signing tuf bundle trust)
  if(TARGET test_trust)
    target_sources(test_trust PRIVATE tests/unit/tuf/simulator.cpp)
  endif()
endif()
