# The word of an independent builder that a release is the bytes that its recipes give.
ashlar_module(confirmation FOLDER builder/confirmation USES base signing tuf)
ashlar_tests(confirmation USES base signing tuf confirmation)
ashlar_fuzz(confirmation USES base signing tuf confirmation)
