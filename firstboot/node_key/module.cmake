ashlar_module(node_key FOLDER firstboot/node_key USES base signing state)
ashlar_tests(node_key USES base signing state node_key)
