ashlar_module(admission FOLDER firstboot/admission USES base signing site certificates channel sockets enrolment genesis etcd roster membership)
# The tests want etcd itself.
if(ASHLAR_BUILDER)
  ashlar_tests(admission USES base signing site certificates channel sockets enrolment genesis transfer etcd roster membership admission)
endif()
