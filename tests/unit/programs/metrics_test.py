"""The programs that tell how services are, and what makes metrics of it. Services' tools are played by programs of this test."""

import json
import os
import pathlib
import re
import stat
import subprocess
import sys
import tempfile
import types
import unittest

TOP = pathlib.Path(__file__).resolve().parents[3]
OVERLAYS = TOP / "overlays"
LINE = re.compile(r'[a-z_]+(\{[a-z]+="[^"]*"\})? -?[0-9.]+')

ETCD = '''"ClusterID" : 14841639068965178418
"MemberID" : 10276657743932975437
"Revision" : 31
"RaftTerm" : 4
"Version" : "3.5.16"
"DBSize" : 40960
"Leader" : {leader}
"IsLearner" : false
"RaftIndex" : 32
"RaftTerm" : 4
"RaftAppliedIndex" : 32
"Errors" : [{errors}]
"Endpoint" : "https://10.0.0.11:12379"
'''

CEPH = {
    "health": {"status": "HEALTH_WARN", "checks": {"OSD_DOWN": {}, "MON_DOWN": {}}}, "quorum_names": ["n01", "n02"], "monmap": {"num_mons": 3},
    "osdmap": {"num_osds": 3, "num_up_osds": 2, "num_in_osds": 3}, "pgmap": {"bytes_total": 3000, "bytes_used": 30},
}


class Programs(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.here = pathlib.Path(folder.name)
        (self.here / "bin").mkdir()

    def tool(self, path, script):
        """A program of this test in the place of a real one."""
        path = self.here / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#!/bin/sh\n" + script)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    def run_(self, program, *arguments, **environment):
        return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60, check=False,
                              env={**os.environ, "PATH": f"{self.here}/bin:{os.environ['PATH']}", "PYTHONDONTWRITEBYTECODE": "1", **{key: str(value) for key, value in environment.items()}})

    def told(self, done):
        """{"name{labels}": value}; each line must be one that Prometheus reads."""
        self.assertEqual(done.returncode, 0, done.stderr)
        return self.read(done.stdout)

    def read(self, text):
        lines = [line for line in text.splitlines() if not line.startswith("#")]
        for line in lines:
            self.assertRegex(line, LINE)
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


class Collecting(Programs):
    def setUp(self):
        super().setUp()
        (self.here / "out").mkdir()

    def collect(self):
        done = self.run_(OVERLAYS / "base/usr/lib/ashlar/collect-metrics", "once", ASHLAR_METRICS_PROGRAMS=self.here / "programs", ASHLAR_METRICS=self.here / "out")
        self.assertEqual(done.returncode, 0, done.stderr)
        return self.read((self.here / "out/collected.prom").read_text())

    def files(self):
        return sorted(path.name for path in (self.here / "out").iterdir())

    def test_each_program_has_its_file(self):
        self.tool("programs/one", "echo one_is 1")
        self.tool("programs/two", "echo two_is 2")
        self.assertEqual(self.collect(), {'ashlar_metrics_failed{program="one"}': 0, 'ashlar_metrics_failed{program="two"}': 0})
        self.assertEqual(self.files(), ["collected.prom", "one.prom", "two.prom"])
        self.assertEqual((self.here / "out/two.prom").read_text(), "two_is 2\n")
        self.assertTrue((self.here / "out/two.prom").stat().st_mode & stat.S_IROTH, "the exporter is somebody else")

    def test_a_service_that_is_not_here_has_none_and_is_no_failure(self):
        self.tool("programs/one", "exit 0")
        self.assertEqual(self.collect(), {'ashlar_metrics_failed{program="one"}': 0})
        self.assertEqual(self.files(), ["collected.prom"])

    def test_what_was_told_before_is_not_told_again_by_one_that_fails(self):
        self.tool("programs/one", "echo one_is 1")
        self.collect()
        self.tool("programs/one", "echo one_is 1; exit 1")
        self.tool("programs/two", "echo two_is 2")
        self.assertEqual(self.collect(), {'ashlar_metrics_failed{program="one"}': 1, 'ashlar_metrics_failed{program="two"}': 0})
        self.assertEqual(self.files(), ["collected.prom", "two.prom"])

    def test_what_ashlard_tells_is_left_alone(self):
        (self.here / "out/ashlar.prom").write_text("ashlar_fault 0\n")
        (self.here / "programs").mkdir()
        self.collect()
        self.assertEqual(self.files(), ["ashlar.prom", "collected.prom"])


class Etcd(Programs):
    def etcd(self, leader=10276657743932975437, errors="", script=None):
        (self.here / "etcd.env").write_text("ETCD_NAME=n\nETCD_ADVERTISE_CLIENT_URLS=https://10.0.0.11:12379\n")
        (self.here / "said").write_text(ETCD.format(leader=leader, errors=errors))
        self.tool("bin/etcdctl", script or f"case \"$*\" in *--endpoints=https://10.0.0.11:12379*'endpoint status') cat {self.here}/said ;; *) exit 9 ;; esac")
        return self.run_(OVERLAYS / "base/usr/lib/ashlar/metrics/etcd", ASHLAR_RUN=self.here)

    def test_one_that_leads(self):
        told = self.told(self.etcd())
        self.assertEqual([told[f"ashlar_etcd_{name}"] for name in ("has_leader", "is_leader", "is_learner", "raft_term", "raft_applied_index", "database_bytes", "errors")], [1, 1, 0, 4, 32, 40960, 0])

    def test_ids_are_compared_to_the_last_digit(self):
        told = self.told(self.etcd(leader=10276657743932975436))
        self.assertEqual((told["ashlar_etcd_has_leader"], told["ashlar_etcd_is_leader"]), (1, 0))

    def test_without_a_leader(self):
        self.assertEqual(self.told(self.etcd(leader=0))["ashlar_etcd_has_leader"], 0)

    def test_alarms_are_told(self):
        self.assertEqual(self.told(self.etcd(errors='"memberID:1 alarm:NOSPACE"'))["ashlar_etcd_errors"], 1)

    def test_one_that_does_not_answer_or_says_something_else_is_a_failure(self):
        self.assertNotEqual(self.etcd(script="exit 1").returncode, 0)
        done = self.etcd(script="echo '{}'")
        self.assertEqual((done.returncode, done.stdout), (1, ""))

    def test_a_node_that_is_no_voter_has_none(self):
        self.assertEqual(self.told(self.run_(OVERLAYS / "base/usr/lib/ashlar/metrics/etcd", ASHLAR_RUN=self.here)), {})


class Galera(Programs):
    def galera(self, said, code=0):
        (self.here / "identity.pem").touch()
        self.tool("bin/mariadb", f"printf '{said}'; exit {code}")
        return self.run_(OVERLAYS / "galera/usr/lib/ashlar/metrics/galera", ASHLAR_GALERA_RUN=self.here)

    def test_one_that_follows_the_others(self):
        told = self.told(self.galera("Slow_queries\\t0\\nThreads_connected\\t7\\nwsrep_cluster_size\\t3\\nwsrep_cluster_status\\tPrimary\\nwsrep_flow_control_paused_ns\\t12\\nwsrep_local_recv_queue\\t1\\nwsrep_local_state\\t4\\n"))
        self.assertEqual([told[f"ashlar_galera_{name}"] for name in ("local_state", "primary", "cluster_size", "receive_queue", "flow_control_paused_nanoseconds", "connections")], [4, 1, 3, 1, 12, 7])

    def test_one_in_the_minority(self):
        self.assertEqual(self.told(self.galera("wsrep_cluster_size\\t1\\nwsrep_cluster_status\\tnon-Primary\\nwsrep_flow_control_paused_ns\\t0\\nwsrep_local_recv_queue\\t0\\nwsrep_local_state\\t0\\nThreads_connected\\t1\\nSlow_queries\\t0\\n"))["ashlar_galera_primary"], 0)

    def test_one_that_does_not_answer_is_a_failure(self):
        self.assertNotEqual(self.galera("", 1).returncode, 0)
        self.assertNotEqual(self.galera("").returncode, 0)

    def test_a_node_without_it_has_none(self):
        self.assertEqual(self.told(self.run_(OVERLAYS / "galera/usr/lib/ashlar/metrics/galera", ASHLAR_GALERA_RUN=self.here)), {})


class Others(Programs):
    def beside(self, name, module, text):
        """The program of an overlay, beside what it uses, which is played here."""
        program = self.here / "metrics" / name
        program.parent.mkdir()
        overlay = {"ceph": "ceph", "rabbitmq": "rabbitmq", "ovn": "ovn-central"}[name]
        program.write_bytes((OVERLAYS / overlay / "usr/lib/ashlar/metrics" / name).read_bytes())
        program.chmod(0o755)
        if module:
            (self.here / module).parent.mkdir(exist_ok=True)
            (self.here / module).write_text(text)
        return program

    def test_ceph(self):
        (self.here / "mgr.keyring").touch()
        program = self.beside("ceph", "ceph/cluster.py", f"""
RUN = {str(self.here)!r}
class Unreachable(Exception): pass
class Refused(Exception): pass
class Failed(Exception): pass
class Cluster:
    def __enter__(self):
        import os
        if os.path.exists(RUN + "/away"): raise Unreachable("nobody answers")
        return self
    def __exit__(self, *_): pass
    def ask(self, prefix): return {{"status": {CEPH!r}}}[prefix]
""")
        told = self.told(self.run_(sys.executable, str(program), ASHLAR_CEPH_RUN=self.here))
        self.assertEqual([told[f"ashlar_ceph_{name}"] for name in ("health", "monitors", "monitors_in_quorum", "osds", "osds_up", "osds_in", "total_bytes", "used_bytes", 'check{check="OSD_DOWN"}')], [1, 3, 2, 3, 2, 3, 3000, 30, 1])
        (self.here / "away").touch()
        done = self.run_(sys.executable, str(program), ASHLAR_CEPH_RUN=self.here)
        self.assertEqual((done.returncode, done.stdout), (1, ""), "not to know is no health")
        (self.here / "mgr.keyring").unlink()
        self.assertEqual(self.told(self.run_(sys.executable, str(program), ASHLAR_CEPH_RUN=self.here)), {})

    def test_rabbitmq(self):
        program = self.beside("rabbitmq", None, None)
        (self.here / "name").touch()
        seen = {"data": True, "running": True, "cluster": "c", "members": ["n01", "n02", "n03"], "reached": ["n01", "n03"], "alarms": ["disk"], "raft": True}
        self.tool("observe/rabbitmq", f"echo '{json.dumps(seen)}'")
        told = self.told(self.run_(sys.executable, str(program), ASHLAR_RABBITMQ_RUN=self.here))
        self.assertEqual(told, {"ashlar_rabbitmq_running": 1, "ashlar_rabbitmq_members": 3, "ashlar_rabbitmq_reached": 2, "ashlar_rabbitmq_alarms": 1})
        self.tool("observe/rabbitmq", "exit 1")
        self.assertNotEqual(self.run_(sys.executable, str(program), ASHLAR_RABBITMQ_RUN=self.here).returncode, 0)
        self.assertEqual(self.told(self.run_(sys.executable, str(program), ASHLAR_RABBITMQ_RUN=self.here / "none")), {})

    def test_ovn(self):
        class Unanswered(Exception):
            pass

        def one(led, leads):
            return types.SimpleNamespace(member=True, led=led, leads=leads, servers={1, 2, 3})

        seen = {"nb": one(True, True), "sb": one(False, False)}
        modules = {"ovn_cluster": types.SimpleNamespace(DATA=str(self.here), NAMES=seen, Status=types.SimpleNamespace(of=seen.get)), "ovsdb": types.SimpleNamespace(Unanswered=Unanswered)}
        program = (OVERLAYS / "ovn-central/usr/lib/ashlar/metrics/ovn").read_text()
        told = self.told(self.played(program, modules))
        self.assertEqual([told[f'ashlar_ovn_{name}{{database="{kind}"}}'] for name in ("joined", "has_leader", "is_leader", "servers") for kind in ("nb", "sb")], [1, 1, 1, 0, 1, 0, 3, 3])

    @staticmethod
    def played(program, modules):
        import contextlib
        import io
        kept = {name: sys.modules.get(name) for name in modules}
        sys.modules.update(modules)
        out = io.StringIO()
        try:
            with contextlib.redirect_stdout(out):
                exec(compile(program, "ovn", "exec"), {"__name__": "__main__"})  # pylint: disable=exec-used
        finally:
            for name, module in kept.items():
                sys.modules.pop(name) if module is None else sys.modules.update({name: module})
        return types.SimpleNamespace(returncode=0, stdout=out.getvalue(), stderr="")


class Alerts(unittest.TestCase):
    """Which of our own metrics rules name: one that nobody tells is a rule that never speaks."""

    def test_name_metrics_that_somebody_tells(self):
        told = set(re.findall(r'family\("(\w+)"', (TOP / "firstboot/service/metrics.cpp").read_text()))
        for program in OVERLAYS.glob("*/usr/lib/ashlar/metrics/*"):
            told |= {f"{program.name}_{name}" for name in re.findall(r'(?:metric)?\("([a-z_]+)", "', program.read_text())}
            told |= set(re.findall(r"\bashlar_(\w+)", program.read_text()))
        told |= set(re.findall(r"# TYPE ashlar_(\w+)", (OVERLAYS / "base/usr/lib/ashlar/collect-metrics").read_text()))
        named = {}
        for path in sorted(OVERLAYS.glob("*/usr/lib/ashlar/alerts/*.yml")):
            for name in re.findall(r"\bashlar_(\w+)", path.read_text()):
                named[name] = path.name
        self.assertGreater(len(named), 20)
        self.assertEqual({name: file for name, file in named.items() if name not in told}, {})


if __name__ == "__main__":
    unittest.main()
