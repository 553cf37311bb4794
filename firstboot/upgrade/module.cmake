ashlar_module(upgrade FOLDER firstboot/upgrade USES base signing)
ashlar_tests(upgrade USES upgrade bootmenu)
