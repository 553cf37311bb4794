ashlar_module(slots FOLDER firstboot/slots USES base signing gpt)
ashlar_tests(slots USES slots)
