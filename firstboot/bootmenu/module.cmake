ashlar_module(bootmenu FOLDER firstboot/bootmenu USES base signing)
ashlar_tests(bootmenu USES bootmenu)
