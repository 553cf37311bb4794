# How formations came into being, as text and as a picture: ashlarctl draws a node, `ashlar up` a site.
ashlar_module(timeline FOLDER base/timeline USES base)
ashlar_tests(timeline USES timeline)
