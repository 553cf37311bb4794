"""The programs of haproxy and keepalived: what is assembled of parts, which are left out, and what VRRP is told. haproxy, curl and ip are played by small scripts."""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

OVERLAYS = pathlib.Path(__file__).resolve().parents[3] / "overlays"
HAPROXY = OVERLAYS / "haproxy/usr/lib/ashlar"
KEEPALIVED = OVERLAYS / "keepalived/usr/lib/ashlar"

# Takes what has no line "wrong", and no line "listen" twice.
PLAYED_HAPROXY = """#!/bin/sh
[ "$1 $2" = "-c -f" ] || exit 2
said=$(awk '$1 == "wrong" || $1 == "listen" && seen[$2]++ { print "[ALERT] (7) : cannot take line " NR }' "$3")
[ -z "$said" ] || { printf '%s\\n' "$said" >&2; exit 1; }
"""
# Answers as the configuration does that was assembled when `running` was written.
PLAYED_CURL = """#!/bin/sh
[ -e "$RUNNING" ] || exit 7
for url; do :; done
if [ "$url" = http://haproxy/metrics ]; then cat "$METRICS"; exit; fi
sed -n 's/.*text\\/plain string //p' "$RUNNING"
"""
PLAYED_IP = """#!/bin/sh
for address; do :; done
grep -F " $address/" "$ADDRESSES" || true
"""


class Programs(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.root = pathlib.Path(self.directory.name)
        for name, text in {"haproxy": PLAYED_HAPROXY, "curl": PLAYED_CURL, "ip": PLAYED_IP}.items():
            self.write(f"bin/{name}", text).chmod(0o755)
        self.environment = {"PATH": f"{self.root}/bin:{os.environ['PATH']}", "RUNNING": str(self.root / "running"), "ADDRESSES": str(self.root / "addresses"), "METRICS": str(self.root / "metrics")}

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def read(self, path):
        return (self.root / path).read_text(encoding="utf-8")

    def run_program(self, program, *arguments):
        return subprocess.run([str(program), *arguments], env=self.environment, capture_output=True, text=True, timeout=20, check=False)


class Haproxy(Programs):
    def setUp(self):
        super().setUp()
        for name, place in {"RUN": "site", "PARTS": "parts", "OUT": "out"}.items():
            self.environment[f"ASHLAR_HAPROXY_{name}"] = str(self.root / place)
        (self.root / "out").mkdir()
        self.write("site/site.cfg", "global\n")
        self.write("site/authority.pem", "authority\n")
        self.write("site/certificates/site.pem", "certificate\n")

    def assemble(self):
        return self.run_program(HAPROXY / "form/haproxy", "assemble")

    def observed(self):
        said = self.run_program(HAPROXY / "observe/haproxy")
        self.assertEqual(said.returncode, 0, said.stderr)
        return json.loads(said.stdout)

    def start(self):
        self.assertEqual(self.assemble().returncode, 0)
        self.write("running", self.read("out/haproxy.cfg"))

    def test_parts_become_one_configuration(self):
        self.write("parts/a.cfg", "listen a\n")
        self.write("parts/b.cfg", "listen b")
        said = self.assemble()
        self.assertEqual((said.returncode, said.stderr), (0, ""))
        whole = self.read("out/haproxy.cfg")
        self.assertLess(whole.index("global"), whole.index("listen a"))
        self.assertLess(whole.index("listen a"), whole.index("listen b"))
        self.assertEqual(self.read("site/refused"), "")
        self.assertEqual((self.root / "out/haproxy.cfg").stat().st_mode & 0o777, 0o600)
        self.assertEqual(sorted(path.name for path in (self.root / "out").iterdir()), ["haproxy.cfg"])

    def test_without_parts_it_runs_by_itself(self):
        self.assertEqual(self.assemble().returncode, 0)
        self.assertIn("global", self.read("out/haproxy.cfg"))

    def test_a_wrong_part_is_left_out_and_named(self):
        self.write("parts/a.cfg", "listen a\n")
        self.write("parts/b.cfg", "listen b\nwrong\n")
        self.write("parts/c.cfg", "listen a\n")
        self.write("parts/d.cfg", "listen d\n")
        said = self.assemble()
        self.assertEqual(said.returncode, 0)
        whole = self.read("out/haproxy.cfg")
        self.assertIn("listen a", whole)
        self.assertIn("listen d", whole)
        self.assertNotIn("listen b", whole)
        self.assertEqual(whole.count("listen a"), 1)
        self.assertIn("leaves out the part of 'b': cannot take line", said.stderr)
        self.assertEqual(self.observed()["refused"], ["b", "c"])

    def test_what_it_had_stays_when_its_own_part_is_wrong(self):
        self.start()
        before = self.read("out/haproxy.cfg")
        self.write("site/site.cfg", "global\nwrong\n")
        self.assertNotEqual(self.assemble().returncode, 0)
        self.assertEqual(self.read("out/haproxy.cfg"), before)

    def test_it_is_current_until_something_changes(self):
        changes = {
            "a part": lambda: self.write("parts/a.cfg", "listen a\n"),
            "another name of it": lambda: (self.root / "parts/a.cfg").rename(self.root / "parts/b.cfg"),
            "no part": lambda: (self.root / "parts/b.cfg").unlink(),
            "a certificate": lambda: self.write("site/certificates/site.pem", "renewed\n"),
            "a person's certificate": lambda: self.write("site/certificates/given.pem", "given\n"),
            "an authority": lambda: self.write("site/authority.pem", "another\n"),
            "the site": lambda: self.write("site/site.cfg", "global\n\n"),
        }
        self.start()
        for what, change in changes.items():
            with self.subTest(what):
                self.assertEqual(self.observed(), {"answers": True, "current": True, "refused": []})
                change()
                self.assertEqual(self.observed(), {"answers": True, "current": False, "refused": []})
                self.start()

    def test_metrics_are_few(self):
        self.write("metrics", "# HELP haproxy_server_status x\n# TYPE haproxy_server_status gauge\nhaproxy_server_status{proxy=\"a\",server=\"n1\",state=\"DOWN\"} 1\nhaproxy_server_status_other 1\n# HELP haproxy_frontend_x y\nhaproxy_frontend_x 1\n")
        said = self.run_program(HAPROXY / "metrics/haproxy")
        self.assertEqual((said.returncode, said.stdout), (0, ""), "it does not run here")
        self.assertEqual(self.assemble().returncode, 0)
        self.assertNotEqual(self.run_program(HAPROXY / "metrics/haproxy").returncode, 0, "it does not answer")
        self.start()
        said = self.run_program(HAPROXY / "metrics/haproxy")
        self.assertEqual(said.stdout, "# HELP haproxy_server_status x\n# TYPE haproxy_server_status gauge\nhaproxy_server_status{proxy=\"a\",server=\"n1\",state=\"DOWN\"} 1\n")

    def test_who_does_not_answer_is_not_current(self):
        self.assertEqual(self.assemble().returncode, 0)
        self.assertEqual(self.observed(), {"answers": False, "current": False, "refused": []})


class Keepalived(Programs):
    def setUp(self):
        super().setUp()
        self.environment |= {"ASHLAR_KEEPALIVED_SITE": str(self.root / "site"), "ASHLAR_KEEPALIVED_OUT": str(self.root / "keepalived.conf")}
        self.write("addresses", "2: bond0    inet 10.0.0.12/24 scope global\n2: bond0    inet6 fd00::12/64 scope global\n2: bond0    inet 10.0.0.10/32 scope global\n")

    def configured(self, own, nodes, vips):
        self.write("site", f"own {own}\nrouter-id 51\n" + "".join(f"node {node}\n" for node in nodes) + "".join(f"vip {vip}\n" for vip in vips))
        said = self.run_program(KEEPALIVED / "form/keepalived")
        self.assertEqual(said.returncode, 0, said.stderr)
        return self.read("keepalived.conf")

    @staticmethod
    def block(text, name):
        lines = text.split(f"    {name} {{\n")[1].split("    }\n")[0]
        return [line.strip() for line in lines.splitlines()]

    def test_nodes_speak_to_each_other_alone(self):
        text = self.configured("10.0.0.12", ["10.0.0.11", "10.0.0.12", "10.0.0.13"], ["10.0.0.10"])
        self.assertEqual([peer.split()[0] for peer in self.block(text, "unicast_peer")], ["10.0.0.11", "10.0.0.13"])
        self.assertEqual(self.block(text, "virtual_ipaddress"), ["10.0.0.10 dev bond0"])
        self.assertIn("    unicast_src_ip 10.0.0.12\n", text)
        self.assertIn("    interface bond0\n", text)
        self.assertIn("    virtual_router_id 51\n", text)
        self.assertIn("    priority 199\n", text)
        self.assertNotIn("excluded", text)

    def test_addresses_of_the_other_family_go_with_it(self):
        text = self.configured("10.0.0.12", ["10.0.0.12"], ["fd00::10", "10.0.0.10"])
        self.assertEqual(self.block(text, "virtual_ipaddress"), ["10.0.0.10 dev bond0"])
        self.assertEqual(self.block(text, "virtual_ipaddress_excluded"), ["fd00::10 dev bond0 preferred_lft 0"])
        self.assertNotIn("unicast_peer", text)
        text = self.configured("fd00::12", ["fd00::12", "fd00::11"], ["fd00::10"])
        self.assertEqual(self.block(text, "virtual_ipaddress"), ["fd00::10 dev bond0 preferred_lft 0"])
        self.assertIn("    priority 200\n", text)

    def test_without_the_address_nothing_is_written(self):
        self.write("site", "own 10.0.0.99\nrouter-id 51\nnode 10.0.0.99\nvip 10.0.0.10\n")
        said = self.run_program(KEEPALIVED / "form/keepalived")
        self.assertEqual(said.returncode, 1)
        self.assertEqual(said.stderr, "keepalived: no interface has this node's address 10.0.0.99\n")
        self.assertFalse((self.root / "keepalived.conf").exists())

    def test_who_has_the_addresses(self):
        def held():
            said = self.run_program(KEEPALIVED / "observe/keepalived")
            self.assertEqual(said.returncode, 0, said.stderr)
            return json.loads(said.stdout)["held"]

        def metrics():
            return self.run_program(KEEPALIVED / "metrics/keepalived").stdout

        self.assertEqual(held(), [], "no site yet")
        self.assertEqual(metrics(), "")
        self.write("site", "own 10.0.0.12\nvip 10.0.0.10\nvip fd00::10\n")
        self.assertEqual(held(), ["10.0.0.10"])
        self.assertEqual(metrics().splitlines()[2:], ['ashlar_vip_held{address="10.0.0.10"} 1', 'ashlar_vip_held{address="fd00::10"} 0'])
        self.write("site", "own 10.0.0.12\n")
        self.assertEqual(metrics(), "", "the site has none any more")


if __name__ == "__main__":
    unittest.main()
