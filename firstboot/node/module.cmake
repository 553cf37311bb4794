ashlar_module(node FOLDER firstboot/node USES base signing state tpm node_key reset disks site backup firstboot upgrade)
ashlar_tests(node USES node)
