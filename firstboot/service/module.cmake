ashlar_module(service FOLDER firstboot/service USES base signing gpt slots bootmenu state reset upgrade bundle node steps control firstboot journald breakglass)
ashlar_tests(service USES service)
