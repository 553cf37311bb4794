ashlar_module(service FOLDER firstboot/service USES base signing gpt slots bootmenu upgrade steps control firstboot)
ashlar_tests(service USES service)
