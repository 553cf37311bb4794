ashlar_module(signing FOLDER signing USES base LINK OpenSSL::Crypto Threads::Threads)
ashlar_tests(signing USES signing)
