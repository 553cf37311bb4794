# Release metadata after The Update Framework: the same code on node and builder.
ashlar_module(tuf FOLDER signing/tuf USES base signing)
# The tests want RapidCheck, which the root that compiles the node's part does not have.
if(ASHLAR_BUILDER)
  ashlar_tests(tuf USES base signing tuf)
  ashlar_fuzz(metadata USES base signing tuf)
endif()
