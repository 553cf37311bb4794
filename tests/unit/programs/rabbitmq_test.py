"""The program that looks at RabbitMQ: what it makes of data, and of what the broker says of itself."""

import json
import os
import pathlib
import subprocess
import tempfile
import time
import unittest

PROGRAM = pathlib.Path(__file__).resolve().parents[3] / "overlays/rabbitmq/usr/lib/ashlar/observe/rabbitmq"
SAID = {"running": True, "cluster": "rabbitmq-cluster-id-x", "members": ["n1", "n2"], "reached": ["n1"], "alarms": ["disk"], "raft": True}
NOTHING = {"running": False, "cluster": None, "members": [], "reached": [], "alarms": [], "raft": False}


class Observing(unittest.TestCase):
    def setUp(self):
        self.work = tempfile.TemporaryDirectory()
        self.addCleanup(self.work.cleanup)
        self.path = pathlib.Path(self.work.name)
        (self.path / "run/state").mkdir(parents=True)
        (self.path / "data/mnesia/rabbit@n1").mkdir(parents=True)
        (self.path / "run/name").write_text("rabbit@n1\n")

    def run_program(self):
        environment = {"PATH": "/usr/bin:/bin", "ASHLAR_RABBITMQ_RUN": f"{self.path}/run", "ASHLAR_RABBITMQ_DATA": f"{self.path}/data"}
        return subprocess.run([str(PROGRAM)], env=environment, capture_output=True, text=True, check=False)

    def observes(self):
        said = self.run_program()
        self.assertEqual(said.returncode, 0, said.stderr)
        return json.loads(said.stdout)

    def member(self):
        (self.path / "data/ashlar-member").write_text("")

    def says(self, text, age=0):
        file = self.path / "run/state/now.json"
        file.write_text(text)
        os.utime(file, (time.time() - age,) * 2)

    def test_of_nothing(self):
        self.assertEqual(self.observes(), {"data": False, **NOTHING})

    def test_a_mark_without_data_is_none(self):
        self.member()
        self.assertEqual(self.observes(), {"data": True, **NOTHING})
        (self.path / "data/mnesia/rabbit@n1").rmdir()
        self.assertEqual(self.observes(), {"data": False, **NOTHING})

    def test_what_the_broker_says(self):
        self.member()
        self.says(json.dumps(SAID) + "\n")
        self.assertEqual(self.observes(), {"data": True, **SAID})

    def test_the_cluster_of_one_that_is_no_member_yet_is_not_the_sites(self):
        self.says(json.dumps(SAID) + "\n")
        self.assertEqual(self.observes(), {"data": False, **SAID, "cluster": None})

    def test_what_is_old_says_nothing(self):
        self.member()
        self.says(json.dumps(SAID) + "\n", age=60)
        self.assertEqual(self.observes(), {"data": True, **NOTHING})

    def test_what_cannot_be_made_out_is_no_observation(self):
        self.member()
        self.says('{"running": tr')
        self.assertNotEqual(self.run_program().returncode, 0)


if __name__ == "__main__":
    unittest.main()
