ashlar_module(recipe FOLDER builder/recipe USES base toml formation signing rules)
ashlar_tests(recipe USES recipe site)
ashlar_fuzz(recipe USES recipe)
