# Releases of a train: cut, promoted, revoked.
ashlar_module(releases FOLDER builder/releases USES base signing tuf authority requests recipe lock pipeline publish deltas evidence store cut facts diff documents policy rules root confirmation image fetch sources)
target_compile_definitions(ashlar_releases PRIVATE ASHLAR_VERSION="${PROJECT_VERSION}")
ashlar_tests(releases USES base signing tuf requests authority confirmation releases sources)
