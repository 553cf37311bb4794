ashlar_module(pull FOLDER firstboot/pull USES base signing)
