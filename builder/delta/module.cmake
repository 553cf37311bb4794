# Deltas between images: the format and zstd are signing/delta's.
ashlar_module(deltas FOLDER builder/delta USES base signing delta evidence image pipeline)
ashlar_tests(deltas USES base signing delta deltas)
