# A store that a team's builders share over HTTP.
ashlar_module(shared FOLDER builder/shared USES base signing transfer store archive LINK fmt::fmt)
ashlar_tests(shared USES base signing transfer store archive shared)
