# Brings services into being, and keeps them: observe, compare, one step, observe again.
ashlar_module(forming FOLDER firstboot/forming USES base toml formation)
ashlar_tests(forming USES forming)
# What every formation owes, with the programs of the guide.
if(ASHLAR_BUILDER)
  ashlar_tests(contract USES forming)
  if(TARGET test_contract)
    target_include_directories(test_contract PRIVATE firstboot/forming) # what programs print is judged inside
  endif()
endif()
