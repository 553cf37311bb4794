# What a release must not change without a word.
ashlar_module(cut FOLDER builder/cut USES base signing debian rules facts root)
ashlar_tests(cut USES cut)
