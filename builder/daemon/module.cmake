ashlar_module(daemon FOLDER builder/daemon USES base signing root)
