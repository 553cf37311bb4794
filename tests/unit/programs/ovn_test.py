"""The programs of OVN central: what they make of what servers say, and what they ask of them. Servers are played on sockets of this test."""

import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

OVERLAYS = pathlib.Path(__file__).resolve().parents[3] / "overlays"
PATHS = [str(OVERLAYS / name / "usr/lib/ashlar/python") for name in ("ovsdb", "ovn-central")]
ADDRESS = {"n1": "10.0.0.1", "n2": "10.0.0.2", "n3": "[fd00::3]"}
NB = {"n1": "aaaa0000-0000-4000-8000-000000000001", "n2": "bbbb0000-0000-4000-8000-000000000002", "n3": "cccc0000-0000-4000-8000-000000000003"}
SB = {node: "5" + server[1:] for node, server in NB.items()}


def status(kind, members, state="cluster member", leader="self", role="leader"):
    """As ovn-appctl(8) prints it, of the node n1."""
    servers = {"nb": NB, "sb": SB}[kind]
    port = {"nb": 6643, "sb": 6644}[kind]
    lines = [f"    {servers[node][:4]} ({servers[node][:4]} at ssl:{ADDRESS[node]}:{port}) last msg 12 ms ago" for node in members]
    return f"""{servers['n1'][:4]}
Name: {'OVN_Northbound' if kind == 'nb' else 'OVN_Southbound'}
Cluster ID: c940 (c940b84d-9220-4b60-b8a7-48312414526{len(kind) + (kind == 'sb')})
Server ID: {servers['n1'][:4]} ({servers['n1']})
Address: ssl:{ADDRESS['n1']}:{port}
Status: {state}
Role: {role}
Term: 2
Leader: {leader}
Vote: self

Election timer: 3000
Log: [2, 11]
Connections: ->0000 <-{NB['n2'][:4]}
Disconnections: 0
Servers:
""" + "\n".join(lines) + "\n"


def note(node):
    return f"{NB[node]} {SB[node]} {ADDRESS[node]}"


class Server:
    """Answers each request with what `answer(method, params)` returns; an exception is an error. Remembers what it was asked."""

    def __init__(self, path, answer):
        self.asked, self.answer = [], answer
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            stream, _ = self.listener.accept()
            with stream:
                for request in self._requests(stream):
                    if "method" not in request:
                        continue  # it has answered
                    self.asked.append((request["method"], request["params"]))
                    try:
                        reply = {"id": request["id"], "result": self.answer(request["method"], request["params"]), "error": None}
                    except Exception as error:  # pylint: disable=broad-except
                        reply = {"id": request["id"], "result": None, "error": str(error)}
                    # In two parts, and behind a question of its own: so servers do.
                    whole = (json.dumps({"id": "echo", "method": "echo", "params": []}) + json.dumps(reply)).encode()
                    stream.sendall(whole[:20])
                    stream.sendall(whole[20:])

    @staticmethod
    def _requests(stream):
        text = ""
        while part := stream.recv(65536):
            text += part.decode()
            while text:
                try:
                    request, end = json.JSONDecoder().raw_decode(text)
                except ValueError:
                    break
                text = text[end:].lstrip()
                yield request


class Programs(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.run_, self.home = pathlib.Path(folder.name, "run"), pathlib.Path(folder.name, "home")
        self.run_.mkdir()
        self.home.mkdir()
        # What starts and stops units does not reach this machine's.
        (self.run_ / "systemctl").write_text(f"#!/bin/sh\necho $* >>{folder.name}/units\n")
        (self.run_ / "systemctl").chmod(0o755)
        self.units = pathlib.Path(folder.name, "units")
        self.notes = {"neutron": "mine"}
        self.members = {"nb": ["n1", "n2"], "sb": ["n1", "n2"]}
        self.state = {}

    def data(self, ending=b'{"commit_index":62}\n'):
        (self.home / "central").mkdir()
        for kind in ("nb", "sb"):
            (self.home / "central" / f"{kind}.db").write_bytes(b"OVSDB CLUSTER\n" + ending)

    def servers(self):
        def control(kind):
            def answer(method, params):
                if method == "cluster/status":
                    return status(kind, self.members[kind], **self.state)
                self.assertEqual(method, "cluster/kick")
                servers = {"nb": NB, "sb": SB}[kind]
                self.members[kind] = [node for node in self.members[kind] if servers[node] != params[1]]
                return "sent removal request to leader"
            return answer

        def database(method, params):
            self.assertEqual((method, params[0]), ("transact", "OVN_Northbound"))
            if params[1]["op"] == "select":
                return [{"rows": [{"external_ids": ["map", [list(pair) for pair in self.notes.items()]]}]}]
            for _, mutator, (_, content) in params[1]["mutations"]:
                for one in content:
                    if mutator == "delete":
                        self.notes.pop(one, None)
                    else:
                        self.notes[one[0]] = one[1]
            return [{"count": 1}]

        self.control = {kind: Server(str(self.run_ / f"ovn{kind}_db.ctl"), control(kind)) for kind in ("nb", "sb")}
        self.database = Server(str(self.run_ / "ovnnb_db.sock"), database)

    def program(self, name, *arguments):
        """Runs it as it is, with this test's folders in place of the node's."""
        code = f"import sys; sys.path[:0] = {PATHS!r}; import runpy; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
        path = OVERLAYS / "ovn-central/usr/lib/ashlar" / name
        return subprocess.run([sys.executable, "-c", code, str(path), *arguments], capture_output=True, text=True, timeout=60, check=False,
                              env={**os.environ, "PATH": f"{self.run_}:{os.environ['PATH']}", "ASHLAR_OVN_RUN": str(self.run_), "ASHLAR_OVN_HOME": str(self.home), "PYTHONDONTWRITEBYTECODE": "1"})

    def observed(self):
        done = self.program("observe/ovn-central")
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_a_member_is_who_wrote_its_servers_down_and_has_them_in_both_clusters(self):
        self.data()
        self.servers()
        self.notes |= {"ashlar-server-n1": note("n1"), "ashlar-server-n2": note("n2"), "ashlar-server-n3": note("n3"), "ashlar-gone-n9": note("n3")}
        self.members["nb"].append("n3")
        seen = self.observed()
        self.assertEqual(seen["members"], ["n1", "n2"], "the third is no member of the southbound database yet")
        self.members["sb"].append("n3")
        self.assertEqual(self.observed()["members"], ["n1", "n2", "n3"])
        self.assertEqual((seen["gone"], seen["leader"], seen["answers"]), (["n9"], ["nb", "sb"], True))
        self.assertEqual(seen["northbound"], "c940b84d-9220-4b60-b8a7-483124145262")

    def test_another_server_at_the_same_address_is_not_that_one(self):
        self.data()
        self.servers()
        self.notes["ashlar-server-n2"] = note("n2").replace("bbbb", "dddd", 1)
        self.assertEqual(self.observed()["members"], [])

    def test_a_server_that_joins_or_has_no_leader_does_not_answer(self):
        self.data()
        self.servers()
        self.state = {"state": "joining cluster"}
        self.assertEqual([self.observed()[key] for key in ("joined", "answers")], [False, False])
        self.state = {"leader": "unknown", "role": "candidate"}
        self.assertEqual([self.observed()[key] for key in ("joined", "led", "answers")], [True, False, False])

    def test_data_are_there_although_no_server_runs(self):
        self.data()
        self.assertEqual([self.observed()[key] for key in ("data", "answers", "expelled")], [True, False, False])

    def test_without_data_nobody_who_answers_is_not_nobody_who_is_a_member(self):
        (self.run_ / "others").write_text("127.0.0.1\n\n")
        seen = self.observed()
        self.assertEqual([seen[key] for key in ("data", "answers", "members")], [False, False, []])

    def test_who_was_kicked_is_seen_by_the_data_alone(self):
        self.data(b'{"comment":"this server left the cluster","note":"left"}\n')
        self.assertTrue(self.observed()["expelled"])

    def test_data_of_a_member_are_not_set_aside(self):
        self.data()
        done = self.program("form/ovn-central", "set-aside")
        self.assertEqual((done.returncode, done.stderr), (1, "cannot set-aside: it is a member\n"))
        self.assertTrue((self.home / "central").exists())
        self.assertFalse(self.units.exists(), "nothing was stopped")

    def test_data_of_who_was_kicked_are_set_aside_and_kept(self):
        self.data(b'{"comment":"this server left the cluster","note":"left"}\n')
        self.assertEqual(self.program("form/ovn-central", "set-aside").returncode, 0)
        self.assertEqual(sorted(path.name for path in self.home.iterdir()), ["expelled"])
        self.assertIn("stop ", self.units.read_text())

    def test_servers_whose_data_are_gone_are_kicked_by_their_ids(self):
        self.data()
        self.servers()
        self.notes |= {"ashlar-server-n1": note("n1"), "ashlar-gone-n2": note("n2")}
        done = self.program("form/ovn-central", "kick")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.notes, {"neutron": "mine", "ashlar-server-n1": note("n1")})
        self.assertIn(("cluster/kick", ["OVN_Northbound", NB["n2"]]), self.control["nb"].asked)
        self.assertEqual(self.members, {"nb": ["n1"], "sb": ["n1"]})

    def test_a_node_that_left_is_forgotten_and_who_came_in_its_place_is_not(self):
        self.data()
        self.servers()
        # The new one has the address of the one that left, and is a member already.
        ADDRESS["n3"], kept = ADDRESS["n2"], ADDRESS["n3"]
        self.addCleanup(ADDRESS.__setitem__, "n3", kept)
        self.notes |= {"ashlar-server-n1": note("n1"), "ashlar-server-n2": note("n2"), "ashlar-server-n3": note("n3")}
        self.members = {"nb": ["n1", "n2", "n3"], "sb": ["n1", "n2", "n3"]}
        done = self.program("form/ovn-central", "forget", "n2")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.members, {"nb": ["n1", "n3"], "sb": ["n1", "n3"]})
        self.assertEqual(self.program("form/ovn-central", "forget", "n2").returncode, 0, "again")
        self.assertEqual(sorted(self.notes), ["ashlar-server-n1", "ashlar-server-n3", "neutron"])

    def test_an_unknown_word_is_for_a_person(self):
        self.assertEqual(self.program("form/ovn-central", "recreate").returncode, 78)
        self.assertEqual(self.program("form/ovn-central", "forget").returncode, 78)


if __name__ == "__main__":
    unittest.main()
