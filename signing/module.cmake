ashlar_module(signing FOLDER signing USES base LINK OpenSSL::Crypto fmt::fmt nlohmann_json::nlohmann_json Threads::Threads)
ashlar_tests(signing USES signing)
ashlar_fuzz(pe USES signing)
