# What the nodes of a site know together, in its etcd: of voters, and of whoever answers for them.
ashlar_module(site_store FOLDER firstboot/site_store USES base signing transfer certificates genesis etcd toml formation forming)
# The tests want etcd itself.
if(ASHLAR_BUILDER)
  ashlar_tests(site_store USES base signing certificates genesis transfer etcd forming site_store)
endif()
