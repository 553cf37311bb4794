ashlar_module(disks FOLDER firstboot/disks USES base state)
ashlar_tests(disks USES disks)
