ashlar_module(control FOLDER firstboot/control USES base)
ashlar_tests(control USES control)
