"""How many copies the pools have: as many as there are storage nodes for, at most three. Never fewer than before."""

import cluster

MOST = 3


def wanted():
    return max(1, min(MOST, len(cluster.storage_nodes())))


def _default(site):
    """As it was set for the whole cluster; 0: it was not yet."""
    for option in site.ask("config dump"):
        if option["section"] == "global" and option["name"] == "osd_pool_default_size":
            return int(option["value"])
    return 0


def _narrow(site):
    """Pools with fewer copies. Not those that someone made with fewer on purpose: of them there would be more now as well."""
    return [pool for pool in site.ask("osd dump")["pools"] if pool["type"] == 1 and pool["size"] < wanted()]


def are_enough(site):
    return _default(site) >= wanted() and not _narrow(site)


def make_enough(site):
    number = wanted()
    if _default(site) < number:
        for option, value in (("osd_pool_default_size", number), ("mon_warn_on_pool_no_redundancy", "false" if number == 1 else "true")):
            site.ask("config set", who="global", name=option, value=str(value))
    for pool in _narrow(site):
        site.ask("osd pool set", pool=pool["pool_name"], var="size", val=str(number))
        site.ask("osd pool set", pool=pool["pool_name"], var="min_size", val=str(number - number // 2))
