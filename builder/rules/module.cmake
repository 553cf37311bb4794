# What is known of components whose instances talk to each other, and which upgrades upstream allows. Pure.
ashlar_module(rules FOLDER builder/rules USES base)
ashlar_tests(rules USES rules)
