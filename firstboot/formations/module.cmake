# Runs the engine of formations on a node: its definitions, its thread, sealed secrets, what people see of it.
ashlar_module(formations FOLDER firstboot/formations USES base toml formation forming signing certificates)
ashlar_tests(formations USES formations timeline)
