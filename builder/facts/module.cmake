# What the files beside an image say of it, for whoever compares releases.
ashlar_module(facts FOLDER builder/facts USES base signing evidence pipeline)
ashlar_tests(facts USES facts)
