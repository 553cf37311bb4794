ashlar_module(tpm FOLDER firstboot/tpm USES base)
ashlar_tests(tpm USES base tpm)
