ashlar_module(succession FOLDER firstboot/succession USES base signing tuf certificates genesis etcd roster)
# The tests want etcd itself.
if(ASHLAR_BUILDER)
  ashlar_tests(succession USES base signing transfer certificates genesis etcd roster succession)
endif()
