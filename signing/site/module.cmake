# site.toml and what goes with it: the same code on node and builder.
ashlar_module(site FOLDER signing/site USES base signing toml)
ashlar_tests(site USES site)
if(ASHLAR_BUILDER)
  ashlar_fuzz(site USES site)
  ashlar_fuzz(site_nodes USES site)
endif()
