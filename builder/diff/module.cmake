# What changes from one release to the next.
ashlar_module(diff FOLDER builder/diff USES base signing debian evidence facts pipeline documents policy vulnerabilities lock)
ashlar_tests(diff USES base archive documents policy vulnerabilities diff)
