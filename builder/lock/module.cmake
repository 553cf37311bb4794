ashlar_module(lock FOLDER builder/lock USES base signing LINK fmt::fmt)
ashlar_tests(lock USES lock)
ashlar_fuzz(lock USES lock)
