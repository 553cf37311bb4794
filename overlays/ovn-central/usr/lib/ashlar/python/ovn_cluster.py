"""What the programs of OVN central know of its two databases: where they are, how to ask their servers, and how to read what these say.

Who is who: a server's id is random and says nothing of its node, and a node that comes back without its data has its old address. So each node writes down in
the northbound database, which all members share, which servers are its own:

    NB_Global.external_ids   ashlar-server-NODE = "NB-SERVER-ID SB-SERVER-ID ADDRESS"
                             ashlar-gone-NODE   = the same; the data of these servers are gone, and the members shall kick them
"""

import os
import re

from ovsdb import Session, Unanswered, control

HOME = os.environ.get("ASHLAR_OVN_HOME", "/var/lib/ovn")
RUN = os.environ.get("ASHLAR_OVN_RUN", "/run/ovn")
DATA = HOME + "/central"
NAMES = {"nb": "OVN_Northbound", "sb": "OVN_Southbound"}
CLIENTS = {"nb": 6641, "sb": 6642}
MEMBERS = {"nb": 6643, "sb": 6644}
IDENTITY, AUTHORITY = RUN + "/central.pem", RUN + "/central-authority.pem"
OURS, GONE = "ashlar-server-", "ashlar-gone-"


class Status:
    """What a server says of its cluster."""

    def __init__(self, text):
        self.text = text

    @classmethod
    def of(cls, kind):
        return cls(control(f"{RUN}/ovn{kind}_db.ctl", "cluster/status", NAMES[kind]))

    def _value(self, key):
        found = re.search(rf"^{key}: (.*)$", self.text, re.M)
        return found.group(1) if found else ""

    def _id(self, key):
        found = re.search(r"\(([0-9a-f-]{36})\)", self._value(key))
        return found.group(1) if found else None

    cluster = property(lambda self: self._id("Cluster ID"))
    server = property(lambda self: self._id("Server ID"))
    state = property(lambda self: self._value("Status"))
    member = property(lambda self: self.state == "cluster member")
    led = property(lambda self: self._value("Leader") not in ("", "unknown"))
    leads = property(lambda self: self._value("Role") == "leader")

    @property
    def servers(self):
        """Of each its address, as its cluster has it, and the first four digits of its id: more is not said."""
        return {(address, short) for short, address in re.findall(r"^ +[0-9a-f]{4} \(([0-9a-f]{4}) at (\S+)\)", self.text, re.M)}

    def has(self, kind, server, host):
        return (f"ssl:{host}:{MEMBERS[kind]}", server[:4]) in self.servers


def notes(session):
    """What the nodes wrote down: {key: value}."""
    return {key: value for row in session.table(NAMES["nb"], "NB_Global", "external_ids") for key, value in row["external_ids"].items() if key.startswith((OURS, GONE))}


def note(session, add, remove=()):
    """Writes some down, and strikes others out, at once. The leader has to be asked for it: others pass it on, and a server of ours always does."""
    mutations = [["external_ids", "delete", ["set", sorted({*remove, *add})]], ["external_ids", "insert", ["map", sorted(add.items())]]]
    done = session.transact(NAMES["nb"], {"op": "mutate", "table": "NB_Global", "where": [], "mutations": [m for m in mutations if m[2][1]]})
    if done[0]["count"] != 1:
        raise Unanswered("the northbound database has no NB_Global yet")


def nodes(of, prefix):
    """From what was written down: {node: (server in NB, server in SB, host)}."""
    return {key.removeprefix(prefix): tuple(value.split(" ", 2)) for key, value in of.items() if key.startswith(prefix)}


def is_expelled(kind):
    """Whether the others have kicked the server of this data, which they never take back: the last that it wrote is that it left (ovsdb(5), "note")."""
    with open(f"{DATA}/{kind}.db", "rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - 64))
        return file.read().endswith(b'"note":"left"}\n')


def northbound(host, patience):
    return Session.remote(host, CLIENTS["nb"], IDENTITY, AUTHORITY, patience)


def others():
    """The other nodes' addresses, with brackets where they need them. The formation writes them."""
    with open(RUN + "/others", encoding="ascii") as file:
        return file.read().split()
