# The source packages of a release: which they are, and the list that says so.
ashlar_module(sources FOLDER builder/sources USES base signing archive debian lock store fetch)
ashlar_tests(sources USES base archive store sources)
