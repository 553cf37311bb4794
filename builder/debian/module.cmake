# Debian's formats: control data, versions, dependencies, Release, and the universe of packages.
ashlar_module(debian FOLDER builder/debian USES base signing)
ashlar_tests(debian USES base debian signing)
ashlar_fuzz(control USES debian)
