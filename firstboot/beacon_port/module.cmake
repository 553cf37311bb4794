ashlar_module(beacon_port FOLDER firstboot/beacon_port USES base signing)
ashlar_tests(beacon_port USES beacon_port)
