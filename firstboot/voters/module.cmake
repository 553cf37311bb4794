# What voters answer to all other nodes and to operators.
ashlar_module(voters FOLDER firstboot/voters USES base signing tuf toml site formation certificates channel transfer genesis etcd roster forming sockets)
# The tests want etcd itself.
if(ASHLAR_BUILDER)
  ashlar_tests(voters USES voters formations control)
  ashlar_fuzz(voters USES voters)
endif()
