ashlar_module(site FOLDER firstboot/site USES base toml disks)
ashlar_tests(site USES site)
