# toml++ is header-only here and included in parse.cpp alone.
ashlar_module(toml FOLDER base/toml USES base)
ashlar_tests(toml USES toml)
