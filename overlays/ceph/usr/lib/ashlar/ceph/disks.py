"""The disks that OSDs may have, and what is on them.

What is on a disk is told by the disk alone: BlueStore's label, or the header of LUKS around it. A disk with anything else on it is
left as it is.
"""

import json
import os
import shutil
import struct

import cluster

RULED = os.environ.get("ASHLAR_DISKS", "/run/ashlar/disks.json")  # what the site's plan gives to services: docs/formats/disks.md
SET = "ceph"
PENDING = os.path.join(cluster.DATA, "ashlar-osd")  # what is being made: a file a disk
MARK = "mark"  # of BlueStore's label; of a LUKS header it is the label


class Disk:
    """`kind`: "blank", or may be erased; "ours", an OSD of this cluster; "begun", one that was not finished; "foreign"."""

    def __init__(self, device, kind, osd=None, label=None, is_encrypted=False, may_be_erased=False):
        self.device, self.kind, self.osd, self.is_encrypted, self.may_be_erased = device, kind, osd, is_encrypted, may_be_erased
        self.label = label or {}  # of BlueStore; empty while it is encrypted and not open

    @property
    def plain(self):
        """Where BlueStore is."""
        return "/dev/mapper/ashlar-osd-" + self.osd if self.is_encrypted else self.device

    @property
    def number(self):
        return int(self.label["whoami"]) if "whoami" in self.label else None


def fsid():
    with open(cluster.CONF) as file:
        for line in file:
            name, _, value = line.partition("=")
            if name.strip() == "fsid":
                return value.strip()
    raise cluster.Failed(0, "'%s' names no cluster" % cluster.CONF)


def can_encrypt():
    return os.path.exists("/dev/mapper/control") and shutil.which("cryptsetup") is not None


def plan():
    """What the site's plan says: the mark, how many disks there must be, and the disks."""
    with open(RULED) as file:
        said = json.load(file)
    if "trouble" in said:
        raise cluster.Failed(0, said["trouble"])
    given = said["sets"].get(SET, {"min": 0, "disks": []})
    return said["mark"], given["min"], given["disks"]


def disks():
    """In the order of the plan. A disk that cannot be read is an error: it is not the same as one that is not there."""
    mark, _, given = plan()
    return [_look(disk, mark, fsid()) for disk in given]


def are_enough():
    return plan()[1] <= sum(disk.kind != "foreign" for disk in disks())


def _look(disk, mark, mine):
    device = disk["device"]
    begun = pending(device).get("osd")
    if not disk["usable"] and not begun:
        return Disk(device, "foreign")
    label = cluster.label_of(device)
    luks = None if label else _luks_of(device)
    if begun and begun == (label["osd_uuid"] if label else luks["uuid"] if luks else None):
        return Disk(device, "begun", begun, label, luks is not None)
    if not disk["usable"]:
        return Disk(device, "foreign")
    if label and label.get(MARK) == mark and label.get("ceph_fsid") == mine:
        return Disk(device, "ours", label["osd_uuid"], label, False, disk["wipe"])
    if luks and luks["label"] == mark and luks["subsystem"] == mine:
        plain = "/dev/mapper/ashlar-osd-" + luks["uuid"]
        return Disk(device, "ours", luks["uuid"], cluster.label_of(plain) if os.path.exists(plain) else None, True, disk["wipe"])
    return Disk(device, "blank" if disk["wipe"] else "foreign")


def _luks_of(device):
    """Of LUKS2, what its header says: LUKS2 On-Disk Format Specification, 2.1."""
    with open(device, "rb", buffering=0) as file:
        header = file.read(512)
    if len(header) < 512 or header[:6] != b"LUKS\xba\xbe":
        return None
    (version,) = struct.unpack_from(">H", header, 6)
    if version != 2:
        return {"label": "", "uuid": "", "subsystem": ""}
    text = lambda at, size: header[at : at + size].split(b"\0")[0].decode(errors="replace")
    return {"label": text(24, 48), "uuid": text(168, 40), "subsystem": text(208, 48)}


def _pending_file(device):
    return os.path.join(PENDING, os.path.realpath(device).replace("/", "_"))


def pending(device):
    try:
        with open(_pending_file(device)) as file:
            return json.load(file)
    except FileNotFoundError:
        return {}


def note(device, what):
    os.makedirs(PENDING, mode=0o700, exist_ok=True)
    cluster.write_file(_pending_file(device), json.dumps(what))


def forget(device):
    try:
        os.unlink(_pending_file(device))
    except FileNotFoundError:
        return
    cluster.sync_folder(PENDING)
