# What the files of an image say of it, for whoever compares releases.
ashlar_module(facts FOLDER builder/facts USES base signing evidence image pipeline deltas)
ashlar_tests(facts USES facts)
