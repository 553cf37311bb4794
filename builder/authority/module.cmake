# Who may sign what, and the repository of releases that comes of it.
ashlar_module(authority FOLDER builder/authority USES base toml signing tuf requests)
ashlar_tests(authority USES base signing tuf requests authority)
