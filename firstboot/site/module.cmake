ashlar_module(site FOLDER firstboot/site USES base signing toml disks)
ashlar_tests(site USES site)
