# Services as data: what builder and node both read.
ashlar_module(formation FOLDER base/formation USES base toml)
ashlar_tests(formation USES formation toml)
if(ASHLAR_BUILDER)
  ashlar_fuzz(formation USES formation toml)
endif()
