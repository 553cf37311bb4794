ashlar_module(founding FOLDER firstboot/founding USES base signing beacon)
ashlar_tests(founding USES founding)
