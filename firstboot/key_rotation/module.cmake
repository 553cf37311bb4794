# How a running site comes to another site key.
ashlar_module(key_rotation FOLDER firstboot/key_rotation USES base signing tuf site etcd roster voters)
# The tests want etcd itself.
if(ASHLAR_BUILDER)
  ashlar_tests(key_rotation USES key_rotation voters formations)
endif()
