# A room of the cryptography module: it sees OpenSSL through that module's private headers.
ashlar_module(certificates FOLDER signing/certificates USES base signing LINK OpenSSL::Crypto)
target_include_directories(ashlar_certificates PRIVATE signing)
if(ASHLAR_BUILDER)
  ashlar_tests(certificates USES base signing certificates)
  ashlar_fuzz(certificate USES base signing certificates)
endif()
