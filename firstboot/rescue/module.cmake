ashlar_module(rescue FOLDER firstboot/rescue USES base)
ashlar_tests(rescue USES rescue)
