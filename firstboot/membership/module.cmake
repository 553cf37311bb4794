ashlar_module(membership FOLDER firstboot/membership USES base signing tuf state sockets beacon beacon_port founding channel certificates genesis site)
ashlar_tests(membership USES membership)
