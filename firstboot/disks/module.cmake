ashlar_module(disks FOLDER firstboot/disks USES base site state)
ashlar_tests(disks USES disks)
