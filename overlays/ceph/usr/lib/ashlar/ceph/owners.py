"""Of which node an OSD is: noted in the cluster, since the OSD's number and its place in CRUSH say it only of one that runs.

    ashlar/osd/UUID-OF-THE-OSD = NAME-OF-THE-NODE.ID-OF-THE-NODE, or "purged": its data were elsewhere, and its disk may be used anew
"""

import calendar
import time

import cluster

PREFIX = "ashlar/osd/"
PURGED = "purged"
QUIET = 30  # seconds that an OSD is down before what the cluster says of its data is believed


class Owners:
    def __init__(self, site):
        self.site = site
        self.map = site.ask("osd dump")
        self.osds = {osd["uuid"]: osd for osd in self.map["osds"]}
        self.noted = {name[len(PREFIX) :]: value for name, value in site.ask("config-key dump", key=PREFIX).items()}

    def of(self, osd):
        """The id of the node, of one that is in the map; None: nobody has noted it."""
        return self.noted[osd].rpartition(".")[2] if osd in self.osds and osd in self.noted else None

    def osds_of(self, node):
        return [osd for uuid, osd in self.osds.items() if self.of(uuid) == node]

    def nodes(self):
        return sorted({self.of(osd) for osd in self.osds} - {None})

    def has_purged(self, osd):
        return osd not in self.osds and self.noted.get(osd) == PURGED

    def note(self, osd, node):
        self.site.ask("config-key set", key=PREFIX + osd, val=node)

    def drop(self, osd):
        self.site.ask("config-key rm", key=PREFIX + osd)

    def spare(self):
        """The nodes whose OSDs the cluster can do without: they are down, and every placement group is served by others."""
        candidates = [node for node in self.nodes() if all(self._is_quiet(osd) for osd in self.osds_of(node))]
        return [node for node in candidates if not self._is_awaited(node)] if candidates and self._serves_all() else []

    def _is_quiet(self, osd):
        if osd["up"]:
            return False
        stamp = next((one["down_stamp"] for one in self.map["osd_xinfo"] if one["osd"] == osd["osd"]), "")[:19]
        if not stamp or stamp.startswith("0.0"):
            return True  # it was never up
        return time.time() - calendar.timegm(time.strptime(stamp, "%Y-%m-%dT%H:%M:%S")) >= QUIET

    def _serves_all(self):
        status = self.site.ask("status")
        groups = status["pgmap"]
        served = sum(one["count"] for one in groups.get("pgs_by_state", []) if "active" in one["state_name"].split("+") and "stale" not in one["state_name"])
        return status["mgrmap"]["available"] and served == groups["num_pgs"] and not groups.get("unfound_objects", 0)

    def _is_awaited(self, node):
        """Another node has come in its place, under its name, and has no OSDs yet: perhaps it has the disks."""
        names = {value.rpartition(".")[0] for value in self.noted.values() if value.rpartition(".")[2] == node}
        there = [line.rpartition(".") for line in cluster.storage_nodes()]
        others = [other for name, _, other in there if name in names and other != node]
        return any(not any(osd["up"] for osd in self.osds_of(other)) for other in others)
