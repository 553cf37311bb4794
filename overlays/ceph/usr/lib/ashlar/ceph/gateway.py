"""Of the S3 gateways: which pools they have, and the site's own S3 user."""

import hashlib

import cluster

# The pools of the zone that a gateway makes where there is no other, with how large a part of an OSD's placement groups.
ZONE = "default"
SMALL, INDEX, DATA = "small", "index", "data"
POOLS = {
    ".rgw.root": SMALL,
    ZONE + ".rgw.log": SMALL,
    ZONE + ".rgw.control": SMALL,
    ZONE + ".rgw.meta": SMALL,
    ZONE + ".rgw.buckets.index": INDEX,
    ZONE + ".rgw.buckets.non-ec": SMALL,
    ZONE + ".rgw.buckets.data": DATA,
}
FEW, SOME, SHARE = 4, 8, 25  # SHARE: placement groups of the data on each OSD

USER = "ashlar"
CREDENTIALS = cluster.RUN + "/s3.json"
TOLD = "ashlar/s3/" + USER  # the digest of what the gateways know


def groups(kind, osds, copies):
    """How many placement groups a pool has: a power of two."""
    if kind != DATA:
        return FEW if kind == SMALL else SOME
    number = SOME
    while number * 2 <= osds * SHARE // max(1, copies):
        number *= 2
    return number


def missing(site):
    """Those that are not there, or not said to be for gateways."""
    there = {pool["pool_name"]: pool for pool in site.ask("osd dump")["pools"]}
    return [name for name in POOLS if name not in there or "rgw" not in there[name]["application_metadata"]]


def digest():
    with open(CREDENTIALS, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def knows_user(site):
    try:
        told = site.ask("config-key get", key=TOLD)
    except cluster.Failed:
        return False
    return told.decode() == digest() if isinstance(told, bytes) else False
