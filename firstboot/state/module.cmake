ashlar_module(state FOLDER firstboot/state USES base signing)
ashlar_tests(state USES state)
