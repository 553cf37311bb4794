ashlar_module(seat FOLDER firstboot/seat USES base signing tuf transfer certificates genesis etcd roster)
# The tests want etcd itself.
if(ASHLAR_BUILDER)
  ashlar_tests(seat USES base signing transfer certificates genesis etcd roster seat)
endif()
