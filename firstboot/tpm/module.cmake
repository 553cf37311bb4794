ashlar_module(tpm FOLDER firstboot/tpm USES base signing)
ashlar_tests(tpm USES base tpm)
