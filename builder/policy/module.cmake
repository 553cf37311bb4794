# What a release may contain and what refuses it: policy.toml.
ashlar_module(policy FOLDER builder/policy USES base toml documents)
ashlar_tests(policy USES base toml documents policy)
