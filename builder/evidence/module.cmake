# What stands beside an image: manifest, bills of materials, package list.
ashlar_module(evidence FOLDER builder/evidence USES base signing lock image)
ashlar_tests(evidence USES evidence)
