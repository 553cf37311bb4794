# In the place of python3-bcrypt for the modules of ceph-mgr, whose directory is the first that Python looks in: the real one can be
# loaded by one interpreter of a process only, and each module has its own, so that none which imports mgr_util could be loaded.
# Nothing but the dashboard, which images do not have, hashes passwords with it.


def _absent(*_arguments):
    raise NotImplementedError("bcrypt cannot be loaded by ceph-mgr's modules")


hashpw = checkpw = gensalt = _absent
