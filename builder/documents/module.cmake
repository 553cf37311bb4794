# What packages say about themselves in /usr/share/doc: changelogs and copyright.
ashlar_module(documents FOLDER builder/documents USES base signing archive debian evidence store)
ashlar_tests(documents USES base archive documents)
ashlar_fuzz(documents USES base documents)
