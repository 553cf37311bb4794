#!/usr/bin/env python3
"""What the programs of the Ceph formations decide."""

import json
import os
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import uuid

HERE = os.path.dirname(os.path.realpath(__file__))
FAKE = os.path.join(HERE, "fake_ceph")
PROGRAMS = os.path.join(HERE, "../../../overlays/ceph/usr/lib/ashlar")
WORK = tempfile.TemporaryDirectory(prefix="ashlar-ceph-")
FSID, OSD, NODE = "7e782186-0001-4371-97ce-f5d8158aa58e", "73e06c87-7e77-4bad-9f0e-23639b4f9a04", "0afac65235469ac6d19de8012d93fb0b"
MARK = "ashlar-site:027a09508f9695d0044b934f068deef0"


def place(name):
    return os.path.join(WORK.name, name)


os.environ.update(
    ASHLAR_CEPH_CONF=place("ceph.conf"), ASHLAR_CEPH_RUN=place("run"), ASHLAR_CEPH_SOCKETS=place("sockets"), ASHLAR_CEPH_DATA=place("data"), ASHLAR_DISKS=place("disks.json"), FAKE_CLUSTER=place("cluster.json"), PYTHONPATH=FAKE
)
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(PROGRAMS, "ceph")]

import cluster
import copies
import disks
import gateway
import owners


def put(name, text):
    path = place(name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb" if isinstance(text, bytes) else "w") as file:
        file.write(text)
    return path


def bluestore(osd=OSD, **meta):
    """A label as BlueStore encodes it."""
    string = lambda text: struct.pack("<I", len(text)) + text.encode()
    body = uuid.UUID(osd).bytes + struct.pack("<QII", 3 << 30, 1, 2) + string("main") + struct.pack("<I", len(meta))
    for name, value in sorted(meta.items()):
        body += string(name) + string(value)
    text = b"bluestore block device\n" + osd.encode() + b"\n" + struct.pack("<BBI", 2, 1, len(body)) + body
    return text + bytes(4096 - len(text))


WHOLE = {"ceph_fsid": FSID, "whoami": "2", "mkfs_done": "yes", "osd_key": "secret", "mark": MARK}


def luks(label=MARK, subsystem=FSID, osd=OSD):
    header = bytearray(512)
    header[0:8] = b"LUKS\xba\xbe\x00\x02"
    for at, text in ((24, label), (168, osd), (208, subsystem)):
        header[at : at + len(text)] = text.encode()
    return bytes(header) + bytes(4096 - 512)


class Fresh(unittest.TestCase):
    def setUp(self):
        subprocess.run(["rm", "-rf", *(os.path.join(WORK.name, name) for name in os.listdir(WORK.name))], check=True)
        put("ceph.conf", "[global]\nfsid = %s\nmon_host = [v2:10.0.0.11:3300]\n" % FSID)

    def plan(self, content, holds, wipe=False, usable=True):
        device = put("disk", content)
        put("disks.json", json.dumps({"format": 1, "mark": MARK, "sets": {"ceph": {"min": 1, "disks": [{"device": device, "holds": holds, "usable": usable, "wipe": wipe}]}}}))
        return device

    def kind(self, *arguments, **named):
        self.plan(*arguments, **named)
        (disk,) = disks.disks()
        return disk.kind


class Labels(Fresh):
    def test_are_read_as_bluestore_writes_them(self):
        label = cluster.label_of(put("disk", bluestore(**WHOLE)))
        self.assertEqual(label, {"osd_uuid": OSD, "description": "main", **WHOLE})

    def test_of_something_else_are_none(self):
        self.assertIsNone(cluster.label_of(put("disk", bytes(4096))))

    def test_that_cannot_be_read_are_an_error_and_not_none(self):
        with self.assertRaises(cluster.Failed):
            cluster.label_of(put("disk", bluestore(**WHOLE)[:100]))
        with self.assertRaises(FileNotFoundError):
            cluster.label_of(place("no-disk"))


class Disks(Fresh):
    def test_that_may_be_erased_are_blank(self):
        self.assertEqual(self.kind(bytes(4096), "nothing", wipe=True), "blank")
        self.assertEqual(self.kind(b"other" * 1000, "foreign", wipe=True), "blank")
        self.assertEqual(self.kind(b"other" * 1000, "foreign", usable=False), "foreign")

    def test_of_this_cluster_are_ours(self):
        self.assertEqual(self.kind(bluestore(**WHOLE), "ours"), "ours")
        self.assertEqual(self.kind(bluestore(**WHOLE), "ours", wipe=True), "ours", "what may be erased is not therefore blank")
        self.assertEqual(self.kind(luks(), "ours"), "ours")

    def test_of_another_cluster_or_site_are_not(self):
        self.assertEqual(self.kind(bluestore(**{**WHOLE, "ceph_fsid": OSD}), "ours"), "foreign")
        self.assertEqual(self.kind(bluestore(**{**WHOLE, "mark": "ashlar-site:ff"}), "foreign", usable=False), "foreign")
        self.assertEqual(self.kind(luks(subsystem="another"), "ours"), "foreign")

    def test_that_were_begun_are_gone_on_with(self):
        device = self.plan(bluestore(ceph_fsid=FSID), "foreign", usable=False)
        self.assertEqual(disks.disks()[0].kind, "foreign")
        disks.note(device, {"osd": OSD})
        self.assertEqual(disks.disks()[0].kind, "begun")
        disks.note(device, {"osd": FSID})
        self.assertEqual(disks.disks()[0].kind, "foreign", "it is not the one that was begun")
        disks.forget(device)
        disks.forget(device)

    def test_of_which_nothing_can_be_said_are_an_error(self):
        with self.assertRaises(FileNotFoundError):
            disks.disks()
        put("disks.json", '{"format": 1, "mark": "m", "trouble": "cannot list devices"}')
        with self.assertRaises(cluster.Failed):
            disks.disks()


class FakeSite:
    def __init__(self, **answers):
        self.answers, self.done = answers, []

    def ask(self, prefix, data=b"", **arguments):
        if prefix.replace(" ", "_").replace("-", "_") in self.answers:
            return self.answers[prefix.replace(" ", "_").replace("-", "_")]
        self.done.append((prefix, arguments))


def osd(number, name, up=False):
    return {"osd": number, "uuid": name, "up": int(up)}


def stamp(seconds_ago):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() - seconds_ago)) + ".123456+0000"


def site_of(osds, noted, down=None, states=None, pgs=45, unfound=0, manager=True):
    states = states or {"active+clean": 45}
    return FakeSite(
        osd_dump={"osds": osds, "osd_xinfo": [{"osd": one["osd"], "down_stamp": (down or {}).get(one["osd"], "0.000000")} for one in osds]},
        config_key_dump={owners.PREFIX + name: value for name, value in noted.items()},
        status={"mgrmap": {"available": manager}, "pgmap": {"num_pgs": pgs, "pgs_by_state": [{"state_name": name, "count": count} for name, count in states.items()], **({"unfound_objects": unfound} if unfound else {})}},
    )


class Owners(Fresh):
    OSDS = [osd(0, "a", up=True), osd(1, "b"), osd(2, "c", up=True)]
    NOTED = {"a": "n1.id1", "b": "n2.id2", "c": "n3.id3"}

    def setUp(self):
        super().setUp()
        put("run/storage-nodes", "n1.id1\nn3.id3\n")

    def spare(self, **named):
        return owners.Owners(site_of(**{"osds": self.OSDS, "noted": self.NOTED, "down": {1: stamp(100)}, "states": {"active+undersized+degraded": 45}, **named})).spare()

    def test_that_are_down_and_whose_data_are_elsewhere_are_spare(self):
        self.assertEqual(self.spare(), ["id2"])

    def test_that_run_or_ran_just_now_are_not(self):
        self.assertEqual(self.spare(osds=[osd(0, "a", True), osd(1, "b", True), osd(2, "c", True)]), [])
        self.assertEqual(self.spare(down={1: stamp(5)}), [])
        self.assertEqual(self.spare(osds=[*self.OSDS, osd(3, "d", True)], noted={**self.NOTED, "d": "n2.id2"}), [], "one of two runs")

    def test_that_may_have_the_only_data_are_not(self):
        self.assertEqual(self.spare(states={"active+clean": 44, "down": 1}), [])
        self.assertEqual(self.spare(states={"active+clean": 44, "stale+active+clean": 1}), [])
        self.assertEqual(self.spare(states={"active+clean": 44, "undersized+degraded+peered": 1}), [])
        self.assertEqual(self.spare(states={"active+clean": 44}), [], "nothing is said of one group")
        self.assertEqual(self.spare(unfound=1), [])
        self.assertEqual(self.spare(manager=False), [], "what is said of groups is old")

    def test_whose_disks_may_come_back_are_not(self):
        put("run/storage-nodes", "n1.id1\nn2.id9\nn3.id3\n")
        self.assertEqual(self.spare(), [], "n2 came back as another node")
        self.assertEqual(self.spare(osds=[*self.OSDS, osd(3, "d", True)], noted={**self.NOTED, "d": "n2.id9"}), ["id2"], "and has others")

    def test_are_those_of_osds_that_there_are(self):
        has = owners.Owners(site_of(self.OSDS, {**self.NOTED, "gone": "purged", "other": "n4.id4"}))
        self.assertEqual(has.nodes(), ["id1", "id2", "id3"])
        self.assertTrue(has.has_purged("gone"))
        self.assertFalse(has.has_purged("other"), "nobody has noted that its data are elsewhere")
        self.assertFalse(owners.Owners(site_of(self.OSDS, {"b": "purged"})).has_purged("b"), "it is in the map")


class Copies(Fresh):
    def site(self, default, *sizes):
        return FakeSite(config_dump=[{"section": "global", "name": "osd_pool_default_size", "value": str(default)}] if default else [], osd_dump={"pools": [{"pool_name": "p%d" % size, "type": 1, "size": size} for size in sizes]})

    def test_are_as_many_as_storage_nodes_and_at_most_three(self):
        for nodes, wanted in ((0, 1), (1, 1), (2, 2), (3, 3), (9, 3)):
            put("run/storage-nodes", "".join("n%d.id%d\n" % (n, n) for n in range(nodes)) + "\n")
            self.assertEqual(copies.wanted(), wanted)

    def test_grow_and_never_shrink(self):
        put("run/storage-nodes", "n1.id1\nn2.id2\n")
        self.assertTrue(copies.are_enough(self.site(3, 3, 3)), "a node left")
        self.assertFalse(copies.are_enough(self.site(1, 1)))
        self.assertFalse(copies.are_enough(self.site(0)), "before the first pool")
        site = self.site(1, 1, 3)
        copies.make_enough(site)
        self.assertIn(("osd pool set", {"pool": "p1", "var": "size", "val": "2"}), site.done)
        self.assertFalse([done for done in site.done if done[1].get("pool") == "p3"])
        site = self.site(3, 3)
        copies.make_enough(site)
        self.assertEqual(site.done, [])


class Gateway(unittest.TestCase):
    def test_pools_have_groups_by_powers_of_two(self):
        self.assertEqual([gateway.groups(gateway.DATA, osds, 3) for osds in (1, 3, 12, 100)], [8, 16, 64, 512])
        self.assertEqual(gateway.groups(gateway.SMALL, 100, 3), 4)


class Keys(unittest.TestCase):
    def test_have_the_header_that_formations_write(self):
        key = cluster.new_key()
        self.assertTrue(key.startswith("AQAAAAAAAAAAABAA"))
        self.assertEqual(len(key), 40)


class Observing(Fresh):
    """The programs as they are run."""

    def observe(self, name, *arguments):
        return subprocess.run([sys.executable, "-BS", os.path.join(PROGRAMS, "observe", name), *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def seen(self, name, *arguments):
        run = self.observe(name, *arguments)
        self.assertEqual(run.returncode, 0, run.stderr)
        return json.loads(run.stdout)

    def cluster(self, osds, noted):
        put("cluster.json", json.dumps({name.replace("_", " ").replace("config key", "config-key"): answer for name, answer in site_of(osds, noted).answers.items()}))
        put("run/osd.keyring", "")
        put("run/storage-nodes", "n1.%s\n" % NODE)

    def test_disks_without_a_plan_is_a_failure(self):
        self.assertNotEqual(self.observe("ceph-osd", NODE).returncode, 0)

    def test_data_are_seen_without_a_cluster(self):
        self.plan(bluestore(**WHOLE), "ours")
        put("cluster.json", '"unreachable"')
        put("run/osd.keyring", "")
        seen = self.seen("ceph-osd", NODE)
        self.assertEqual((seen["data"], seen["reachable"], seen["idle"], seen["blank"]), (True, False, 1, 0))

    def test_an_osd_of_a_node_that_was_is_adopted_before_it_is_started(self):
        self.plan(bluestore(**WHOLE), "ours")
        self.cluster([osd(2, OSD)], {OSD: "n1.another"})
        seen = self.seen("ceph-osd", NODE)
        self.assertEqual((seen["moved"], seen["idle"]), (1, 0))
        self.cluster([osd(2, OSD)], {OSD: "n1." + NODE})
        seen = self.seen("ceph-osd", NODE)
        self.assertEqual((seen["moved"], seen["idle"]), (0, 1))

    def test_an_osd_that_was_let_go_is_made_anew_where_the_plan_allows_it(self):
        self.cluster([osd(0, "other", True)], {OSD: "purged"})
        device = self.plan(bluestore(**WHOLE), "ours", wipe=True)
        seen = self.seen("ceph-osd", NODE)
        self.assertEqual((seen["blank"], seen["data"], seen["unknown"]), (1, False, []))
        self.plan(bluestore(**WHOLE), "ours")
        seen = self.seen("ceph-osd", NODE)
        self.assertEqual((seen["blank"], seen["data"], seen["unknown"]), (0, True, [device]))

    def test_an_osd_that_nobody_knows_is_left_alone(self):
        self.cluster([osd(0, "other", True)], {})
        device = self.plan(bluestore(**WHOLE), "ours", wipe=True)
        seen = self.seen("ceph-osd", NODE)
        self.assertEqual((seen["blank"], seen["idle"], seen["unknown"]), (0, 0, [device]))

    def test_a_monitor_without_its_last_file_is_no_data(self):
        os.makedirs(place("data/mon/ceph-n1.x/store.db"))
        self.assertFalse(self.seen("ceph-mon", NODE)["data"])
        put("data/mon/ashlar.env", "MONITOR=n1.x\n")
        seen = self.seen("ceph-mon", NODE)
        self.assertEqual((seen["data"], seen["quorum"], seen["reachable"]), (True, False, False))

    def test_who_cannot_ask_the_cluster_says_nothing_of_managers(self):
        put("cluster.json", '"unreachable"')
        self.assertNotEqual(self.observe("ceph-mgr", "n1." + NODE).returncode, 0)


if __name__ == "__main__":
    unittest.main()
