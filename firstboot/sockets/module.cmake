# Where TCP connections come in and go out, and the threads that work them off.
ashlar_module(sockets FOLDER firstboot/sockets USES base LINK Threads::Threads)
ashlar_tests(sockets USES sockets)
