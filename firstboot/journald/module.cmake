ashlar_module(journald FOLDER firstboot/journald USES base)
ashlar_tests(journald USES journald)
