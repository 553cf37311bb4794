# From a recorded tree to a disk image.
ashlar_module(image FOLDER builder/image USES base toml signing gpt recipe archive root)
ashlar_tests(image USES image)
ashlar_fuzz(fat USES image)
