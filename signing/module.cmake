ashlar_module(signing FOLDER signing USES base LINK OpenSSL::Crypto Threads::Threads)
include(signing/gpt/module.cmake)
# The tests want outside judges (veritysetup, sbsigntool) and RapidCheck, which the root that compiles
# the node's part does not have.
if(ASHLAR_BUILDER)
  ashlar_tests(signing USES signing)
  # The vectors of RFC 9180 want what the public header fixes.
  ashlar_tests(hpke USES base signing LINK OpenSSL::Crypto)
  if(TARGET test_hpke)
    target_include_directories(test_hpke PRIVATE signing)
  endif()
  ashlar_fuzz(pe USES signing)
  ashlar_fuzz(release_index USES signing)
  ashlar_fuzz(cluster_release USES signing)
  ashlar_fuzz(break_glass USES signing)
endif()
