"""What the firewall's programs load, and what they say of it. nft is played: it keeps what it was given, or refuses it."""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

PROGRAMS = pathlib.Path(__file__).resolve().parents[3] / "overlays/base/usr/lib/ashlar"

PLAYED_NFT = """#!/bin/sh
case "$1 $2" in
"-f -") cat >"$LOADED.new"; [ ! -e "$REFUSES" ] || exit 1; mv "$LOADED.new" "$LOADED" ;;
"list table") [ -e "$LOADED" ] && cat "$LOADED" ;;
*) exit 2 ;;
esac
"""


class Firewall(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = pathlib.Path(directory.name)
        nft = self.root / "bin/nft"
        nft.parent.mkdir()
        nft.write_text(PLAYED_NFT, encoding="utf-8")
        nft.chmod(0o755)
        self.environment = {"PATH": f"{nft.parent}:{os.environ['PATH']}", "LOADED": str(self.root / "loaded"), "REFUSES": str(self.root / "refuses"), "ASHLAR_NFTABLES": str(self.root / "always")}
        (self.root / "always").touch()
        self.wishes, self.seen = self.root / "wishes", self.root / "seen"

    def run_program(self, name):
        return subprocess.run([str(PROGRAMS / name / "firewall"), str(self.wishes), str(self.seen)], env=self.environment, capture_output=True, text=True, timeout=20, check=False)

    def load(self, *lines):
        self.wishes.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return self.run_program("form")

    def sets(self, *lines):
        """name: elements, after they were loaded."""
        said = self.load(*lines)
        self.assertEqual((said.returncode, said.stderr), (0, ""))
        found = {}
        for line in (self.root / "loaded").read_text(encoding="utf-8").splitlines():
            words = line.split()
            if words[0] == "flush":
                found[words[4]] = []
            else:
                found[words[4]] = line.split("{ ")[1].split(" }")[0].split(", ")
        return found

    def applied(self):
        return json.loads(self.run_program("observe").stdout)

    def test_ports_are_at_the_addresses_of_their_planes(self):
        sets = self.sets("node 10.0.0.11", "node fd00::12", "own management 10.0.0.11", "own storage 10.1.0.11", "own tunnel ", "port management tcp 9100 nodes", "port storage tcp 3300 nodes", "port tunnel udp 6081 nodes", "port provider tcp 443 everyone")
        self.assertEqual(sets, {"nodes4": ["10.0.0.11"], "nodes6": ["fd00::12"], "own4": ["10.0.0.11 . tcp . 9100", "10.1.0.11 . tcp . 3300", "10.0.0.11 . udp . 6081"], "own6": [], "everyone": ["tcp . 443"]})

    def test_what_is_at_the_nodes_address_is_at_the_sites(self):
        sets = self.sets("own management 10.0.0.11", "own storage 10.1.0.11", "vip 10.0.0.10", "vip fd00::10", "port management tcp 3306 nodes", "port storage tcp 3300 nodes")
        self.assertEqual(sorted(sets["own4"]), ["10.0.0.10 . tcp . 3306", "10.0.0.11 . tcp . 3306", "10.1.0.11 . tcp . 3300"])
        self.assertEqual(sets["own6"], ["fd00::10 . tcp . 3306"])

    def test_what_overlaps_is_one(self):
        sets = self.sets("own management fd00::11", "port management tcp 7480 nodes", "port storage tcp 6800-7568 nodes", "port storage tcp 6800 nodes", "port management tcp 7500-7600 nodes", "port management tcp 80 nodes", "port management udp 7000 nodes")
        self.assertEqual(sorted(sets["own6"]), ["fd00::11 . tcp . 6800-7600", "fd00::11 . tcp . 80", "fd00::11 . udp . 7000"])
        self.assertEqual(self.sets("port management tcp 8443-8449 everyone", "port provider tcp 8445 everyone", "port provider udp 53 everyone")["everyone"], ["tcp . 8443-8449", "udp . 53"])

    def test_it_is_applied_until_something_changes(self):
        self.assertEqual(self.applied(), {"loaded": False, "applied": False})
        self.load("own management 10.0.0.11", "port management tcp 80 nodes")
        self.assertEqual(self.applied(), {"loaded": True, "applied": True})
        self.wishes.write_text("own management 10.0.0.11\n", encoding="utf-8")
        self.assertEqual(self.applied(), {"loaded": True, "applied": False})
        self.load("own management 10.0.0.11")
        self.assertEqual(self.applied(), {"loaded": True, "applied": True})
        (self.root / "loaded").write_text("somebody's\n", encoding="utf-8")
        self.assertEqual(self.applied(), {"loaded": True, "applied": False})

    def test_what_is_always_there_comes_back_with_the_rest(self):
        (self.root / "always").write_text("the first rules\n", encoding="utf-8")
        self.assertEqual(self.load("node 10.0.0.11").returncode, 0)
        self.assertTrue((self.root / "loaded").read_text(encoding="utf-8").startswith("the first rules\n"))
        self.assertEqual(self.load("node 10.0.0.12").returncode, 0)
        self.assertNotIn("the first rules", (self.root / "loaded").read_text(encoding="utf-8"), "they were there")

    def test_what_cannot_be_loaded_leaves_what_is(self):
        self.load("own management 10.0.0.11", "port management tcp 80 nodes")
        before = (self.root / "loaded").read_text(encoding="utf-8"), self.seen.read_text(encoding="utf-8")
        for port in ("none", "80-", "-80", "80,81", "1-2-3"):
            said = self.load("own management 10.0.0.11", f"port management tcp {port} nodes")
            self.assertNotEqual(said.returncode, 0, port)
            self.assertIn("is not a port, nor a range of them", said.stderr)
        (self.root / "refuses").touch()
        self.assertNotEqual(self.load("own management 10.0.0.11", "port management tcp 81 nodes").returncode, 0)
        self.assertEqual(((self.root / "loaded").read_text(encoding="utf-8"), self.seen.read_text(encoding="utf-8")), before)
        self.assertEqual(self.applied(), {"loaded": True, "applied": False})


if __name__ == "__main__":
    unittest.main()
