# What is carried to where a key is, and what comes back: docs/formats/signing-request.md.
ashlar_module(requests FOLDER builder/requests USES base signing confirmation)
ashlar_tests(requests USES base signing confirmation requests)
ashlar_fuzz(signing_request USES base signing requests)
