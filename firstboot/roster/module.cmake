ashlar_module(roster FOLDER firstboot/roster USES base signing tuf transfer certificates genesis etcd)
# The tests want etcd itself.
if(ASHLAR_BUILDER)
  ashlar_tests(roster USES base signing certificates genesis transfer etcd roster)
endif()
