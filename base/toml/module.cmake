# toml++ is header-only here and included in parse.cpp alone.
ashlar_module(toml FOLDER base/toml USES base)
if(ASHLAR_BUILDER)
  ashlar_tests(toml USES toml) # with RapidCheck
endif()
