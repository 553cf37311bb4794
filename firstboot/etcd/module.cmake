ashlar_module(etcd FOLDER firstboot/etcd USES base signing transfer certificates genesis)
# The tests want etcd itself, which the root that compiles the node's part does not have.
if(ASHLAR_BUILDER)
  ashlar_tests(etcd USES base signing transfer certificates genesis etcd)
endif()
