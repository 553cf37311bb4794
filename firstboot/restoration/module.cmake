# A site's backup from its etcd, and back into the etcd of other nodes.
ashlar_module(restoration FOLDER firstboot/restoration USES base signing tuf site backup certificates transfer genesis etcd roster formation forming formations)
# The tests want etcd itself.
if(ASHLAR_BUILDER)
  ashlar_tests(restoration USES restoration)
endif()
