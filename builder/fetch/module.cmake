# Suites, indices and packages from mirrors into the store; every signature and digest checked.
ashlar_module(fetch FOLDER builder/fetch USES base toml signing transfer store shared lock debian recipe archive LINK fmt::fmt)
ashlar_tests(fetch USES base toml signing transfer store shared lock debian recipe archive fetch)
if(TARGET test_fetch)
  target_include_directories(test_fetch PRIVATE builder/fetch) # the parts are tested one by one
endif()
