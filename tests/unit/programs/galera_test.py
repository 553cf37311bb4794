"""The programs of MariaDB Galera: what they make of data, of servers and of what other nodes say, and who begins a cluster again."""

import importlib.machinery
import importlib.util
import itertools
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

PROGRAM = pathlib.Path(__file__).resolve().parents[3] / "overlays/galera/usr/lib/ashlar/observe/galera"
UUID, OTHER = "4e46c1ed-ed3f-11f1-be21-0237e1ba0ed0", "0d513b01-ed3f-11f1-83bd-0f1743758b63"
sys.dont_write_bytecode = True


def load():
    loader = importlib.machinery.SourceFileLoader("observe_galera", str(PROGRAM))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


class Node:
    def __init__(self, state, known=None):
        self.state, self.known = state, known


def down(seqno, uuid=UUID):
    return "down", (uuid, seqno)


def stranded(seqno, uuid=UUID):
    return "stranded", (uuid, seqno)


class Decisions(unittest.TestCase):
    """Of n1, n2 and n3, who are asked in that order; None is one that does not answer."""

    def decisions(self, answers):
        program = load()
        told = {f"n{i}": (f"name{i}", answer) for i, answer in enumerate(answers, 1)}
        return [program.decide(id, Node(*answer), told) if answer else None for id, (_, answer) in told.items()]

    def decision(self, *answers):
        return [made and made[0] for made in self.decisions(answers)]

    def test_who_is_furthest_begins(self):
        self.assertEqual(self.decision(down(5), down(7), down(6)), ["wait", "bootstrap", "wait"])

    def test_of_equals_the_first(self):
        self.assertEqual(self.decision(down(7), down(7), down(7)), ["bootstrap", "wait", "wait"])

    def test_nobody_begins_while_one_is_silent(self):
        self.assertEqual(self.decisions([down(5), down(7), None])[:2], [("wait", ["name3"])] * 2)

    def test_who_has_to_recover_first_is_not_known_yet(self):
        self.assertEqual(self.decisions([down(5), ("unrecovered", None), down(6)])[0], ("wait", ["name2"]))
        self.assertEqual(self.decision(("unrecovered", None), down(7), down(6))[0], "none")

    def test_who_lost_its_data_does_not_hinder(self):
        self.assertEqual(self.decision(down(5), ("none", None), down(6)), ["wait", "wait", "bootstrap"])

    def test_somebody_in_the_primary_component_is_joined(self):
        self.assertEqual(self.decision(("primary", (UUID, 3)), down(9), None), ["none", "join", None])
        self.assertEqual(self.decision(("primary", (UUID, 3)), ("none", None), None)[1], "join")

    def test_who_begins_is_joined_at_once(self):
        self.assertEqual(self.decision(("bootstrapping", None), down(9), None), ["none", "join", None])

    def test_who_tries_to_join_is_waited_for(self):
        self.assertEqual(self.decision(("joining", None), down(9), down(9)), ["none", "wait", "wait"])

    def test_a_stranded_node_is_joined_and_promotes_itself_only_when_all_are_known(self):
        self.assertEqual(self.decision(stranded(7), down(7), None), ["wait", "join", None])
        self.assertEqual(self.decision(stranded(7), down(7), down(6)), ["promote", "join", "join"])
        self.assertEqual(self.decision(stranded(7), stranded(7), down(6)), ["promote", "wait", "join"])

    def test_a_stranded_node_that_is_behind_makes_way(self):
        self.assertEqual(self.decision(stranded(7), down(8), ("none", None))[0], "step-down")

    def test_a_stranded_node_is_merged_by_galera_where_there_is_a_primary_one(self):
        self.assertEqual(self.decision(stranded(7), ("primary", (UUID, 9)), None)[0], "none")

    def test_data_of_two_clusters_are_for_a_person(self):
        self.assertEqual(self.decision(down(5), down(7, OTHER), ("none", None)), ["conflict", "conflict", "wait"])

    def test_who_does_not_know_the_members_begins_nothing(self):
        program = load()
        self.assertEqual(program.decide("n1", Node(*down(5)), {})[0], "wait")
        self.assertEqual(program.decide("n1", Node(*down(5)), {"n2": ("name2", down(3))})[0], "wait")

    def test_never_two_begin(self):
        kinds = [None, ("none", None), ("unrecovered", None), ("left", None), ("joining", None), ("bootstrapping", None), ("primary", (UUID, 9)), down(5), down(7), stranded(5), stranded(7), down(6, OTHER)]
        for answers in itertools.product(kinds, repeat=3):
            begin = [(made, answers[i]) for i, made in enumerate(self.decision(*answers)) if made in ("bootstrap", "promote")]
            self.assertLessEqual(len(begin), 1, answers)
            for _, (_, (uuid, seqno)) in begin:
                self.assertNotIn(None, answers)
                for answer in answers:
                    self.assertNotIn(answer[0], ("primary", "bootstrapping", "left", "unrecovered"))
                    if answer[1]:
                        self.assertEqual(answer[1][0], uuid)
                        self.assertLessEqual(answer[1][1], seqno)


class Program(unittest.TestCase):
    """The whole of it, with tools of this test in place of systemd, of the client and of the network."""

    def setUp(self):
        self.work = tempfile.TemporaryDirectory()
        self.addCleanup(self.work.cleanup)
        self.path = pathlib.Path(self.work.name)
        for name in ("run/start", "data", "tools"):
            (self.path / name).mkdir(parents=True)
        (self.path / "run/self").write_text("n1\n")
        (self.path / "run/members").write_text("n1 one 10.0.0.1\nn2 two 10.0.0.2\n")
        self.told(0, 0)
        self.unit("inactive")
        self.tool("mariadb", "exit 1")
        self.tool("socat", "exit 1")

    def tool(self, name, script):
        path = self.path / "tools" / name
        path.write_text("#!/bin/sh\n" + script + "\n")
        path.chmod(0o755)

    def unit(self, state):
        self.tool("systemctl", f'case "$*" in *Timestamp*) printf "%s\\n\\n0\\n\\n0\\n%s\\n" "$(cat {self.path}/told)" "$(cat {self.path}/stopped)" ;; *mariadb*) echo {state} ;; *) echo active ;; esac')

    def told(self, started, stopped):
        """When, in seconds of this machine, the others could be told, and the server stopped."""
        (self.path / "told").write_text(str(int(started * 1e6)))
        (self.path / "stopped").write_text(str(int(stopped * 1e6)))

    def server(self, status, state="Synced"):
        self.unit("active")
        rows = f"wsrep_cluster_size\\t3\\nwsrep_cluster_state_uuid\\t{UUID}\\nwsrep_cluster_status\\t{status}\\nwsrep_last_committed\\t12\\nwsrep_local_state_comment\\t{state}\\n"
        self.tool("mariadb", f"case \"$*\" in *STATUS*) printf '{rows}' ;; *--defaults-file=*) echo 1 ;; *) exit 9 ;; esac")

    def state(self, uuid=UUID, seqno=-1):
        (self.path / "data/grastate.dat").write_text(f"# GALERA saved state\nversion: 2.1\nuuid:    {uuid}\nseqno:   {seqno}\nsafe_to_bootstrap: 0\n")

    def run_program(self, *words):
        environment = {"PATH": f"{self.path}/tools:/usr/bin:/bin", "ASHLAR_GALERA_RUN": f"{self.path}/run", "ASHLAR_GALERA_DATA": f"{self.path}/data"}
        return subprocess.run([sys.executable, "-B", str(PROGRAM), *words], env=environment, capture_output=True, text=True, check=False)

    def tells(self):
        said = self.run_program("tell")
        self.assertEqual(said.returncode, 0, said.stderr)
        return said.stdout.strip()

    def observes(self):
        said = self.run_program()
        self.assertEqual(said.returncode, 0, said.stderr)
        return json.loads(said.stdout)

    def test_of_nothing(self):
        self.assertEqual(self.tells(), "none")
        self.assertEqual(self.observes(), {"data": False, "running": False, "left": False, "telling": True, "primary": False, "synced": False, "serves": False, "size": 0, "cluster": None, "recovered": True, "decision": "wait", "silent": ["two"], "waited": 0})

    def test_data_after_an_orderly_stop(self):
        self.state(seqno=41)
        self.assertEqual(self.tells(), f"down {UUID} 41")

    def test_how_long_it_has_waited(self):
        self.state(seqno=41)
        now = time.monotonic()
        for started, stopped, waited in ((now - 400, 0, 400), (now - 400, now - 90, 90), (now - 40, now - 900, 40)):
            self.told(started, stopped)
            self.assertIn(self.observes()["waited"] - waited, (0, 1, 2, 3))
        self.unit("active")
        self.assertEqual(self.observes()["waited"], 0)

    def test_data_after_a_power_cut_are_recovered_first(self):
        self.state()
        self.assertEqual(self.tells(), "unrecovered")
        self.assertEqual({k: self.observes()[k] for k in ("data", "recovered", "decision")}, {"data": True, "recovered": False, "decision": "none"})
        (self.path / "run/start/position").write_text(f"{UUID}:40\n")
        self.assertEqual(self.tells(), f"down {UUID} 40")

    def test_a_note_that_was_cut_is_not_taken_for_no_data(self):
        (self.path / "data/grastate.dat").write_text("")
        self.assertEqual(self.tells(), "none")
        (self.path / "data/mysql").mkdir()
        self.assertEqual(self.tells(), "unrecovered")

    def test_what_is_half_transferred_or_half_made_is_no_data(self):
        self.state(seqno=41)
        for name in ("sst_in_progress", ".ashlar-creating"):
            (self.path / "data" / name).write_text("")
            self.assertEqual(self.tells(), "none")
            (self.path / "data" / name).unlink()
        self.state(uuid="00000000-0000-0000-0000-000000000000")
        self.assertEqual(self.tells(), "none")

    def test_data_that_cannot_be_read_are_not_taken_for_none(self):
        (self.path / "data/grastate.dat").mkdir()
        self.assertNotEqual(self.run_program().returncode, 0)

    def test_who_cannot_be_asked_by_systemd_says_nothing(self):
        self.tool("systemctl", "exit 1")
        self.assertNotEqual(self.run_program().returncode, 0)

    def test_a_server_that_is_synced_asks_nobody(self):
        self.state()
        self.server("Primary")
        self.tool("socat", f"echo asked >{self.path}/asked")
        self.assertEqual(self.tells(), f"primary {UUID} 12")
        self.assertEqual(self.observes(), {"data": True, "running": True, "left": False, "telling": True, "primary": True, "synced": True, "serves": True, "size": 3, "cluster": UUID, "recovered": True, "decision": "none", "silent": [], "waited": 0})
        self.assertFalse((self.path / "asked").exists())

    def test_a_server_outside_of_any_primary_component(self):
        self.state()
        self.server("non-Primary", "Initialized")
        self.tool("socat", f"echo 'down {UUID} 12'")
        self.assertEqual(self.tells(), f"stranded {UUID} 12")
        observed = self.observes()
        self.assertEqual((observed["primary"], observed["cluster"], observed["decision"]), (False, None, "promote"))

    def test_a_server_that_gave_up(self):
        self.state()
        self.server("Disconnected", "Inconsistent")
        self.assertEqual(self.tells(), "left")
        observed = self.observes()
        self.assertEqual((observed["left"], observed["primary"], observed["decision"]), (True, False, "none"))

    def test_a_server_that_starts(self):
        self.state()
        self.unit("activating")
        self.assertEqual(self.tells(), "joining")
        (self.path / "run/start/way").write_text("bootstrap\n")
        self.assertEqual(self.tells(), "bootstrapping")

    def test_others_are_asked_by_tls(self):
        self.state(seqno=41)
        self.tool("socat", f"case \"$*\" in *openssl-connect:10.0.0.2:4569,*cert={self.path}/run/identity.pem,*cafile={self.path}/run/authority.pem,commonname=galera.ashlar*) echo 'primary {UUID} 90' ;; esac")
        self.assertEqual(self.observes()["decision"], "join")
        self.tool("socat", "echo nonsense")
        self.assertEqual(self.observes()["silent"], ["two"])


if __name__ == "__main__":
    unittest.main()
