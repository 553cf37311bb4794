ashlar_module(publish FOLDER builder/publish USES base signing delta evidence deltas)
