# What an operator's machine does with site.toml.
ashlar_module(sites FOLDER builder/sites USES base signing toml site)
ashlar_tests(sites USES sites)
