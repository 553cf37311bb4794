ashlar_module(store FOLDER builder/store USES base signing LINK fmt::fmt)
ashlar_tests(store USES store)
ashlar_fuzz(roots USES base store)
