ashlar_module(node_key FOLDER firstboot/node_key USES base signing state tpm)
ashlar_tests(node_key USES base signing state tpm node_key)
