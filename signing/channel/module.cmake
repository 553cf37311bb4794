# A room of the cryptography module, as certificates is.
ashlar_module(channel FOLDER signing/channel USES base signing tuf certificates LINK OpenSSL::SSL)
target_include_directories(ashlar_channel PRIVATE signing)
if(ASHLAR_BUILDER)
  # A judge from outside, and strangers who do what ours would never do, speak TLS themselves.
  ashlar_tests(channel USES base signing certificates channel LINK OpenSSL::SSL)
  ashlar_fuzz(frame USES base signing channel)
endif()
