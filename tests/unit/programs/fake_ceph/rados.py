"""In the place of Ceph's rados module: a cluster that answers what a file says, by the command's prefix."""

import json
import os


class Error(Exception):
    pass


class PermissionError(Error):
    pass


class PermissionDeniedError(Error):
    pass


class Rados:
    def __init__(self, name, conffile, conf):
        with open(os.environ["FAKE_CLUSTER"]) as file:
            self.answers = json.load(file)

    def connect(self, timeout):
        if self.answers == "unreachable":
            raise Error("timed out")
        if self.answers == "refused":
            raise PermissionDeniedError("denied")

    def shutdown(self):
        pass

    def mon_command(self, command, data, timeout):
        answer = self.answers.get(json.loads(command)["prefix"])
        if answer is None:
            return -2, b"", "there is none"
        return 0, json.dumps(answer).encode(), ""
