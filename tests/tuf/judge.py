"""python-tuf as the other side.

judge.py read DIR PATH...   a client of the repository in DIR, from DIR/root.json on: fetches the targets and compares them; also
                            that it refuses the same repository with one byte of a file changed
judge.py fetch DIR PATH...  the client alone
judge.py make DIR           writes a repository of its own: every scheme that we verify, delegations, all keys rotated once
"""

import copy
import functools
import http.server
import os
import shutil
import sys
import tempfile
import threading
from datetime import datetime, timedelta, timezone

import tuf
from securesystemslib.signer import CryptoSigner
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import DelegatedRole, Delegations, Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp
from tuf.ngclient import Updater


# ---- a client ----------------------------------------------------------------------------------

class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def serve(directory):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=directory))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}"


def fetch(directory, paths):
    """What the client gets, by path."""
    url, got = serve(directory), {}
    with tempfile.TemporaryDirectory() as scratch:
        shutil.copy(os.path.join(directory, "root.json"), os.path.join(scratch, "root.json"))
        os.mkdir(os.path.join(scratch, "targets"))
        client = Updater(scratch, f"{url}/metadata/", os.path.join(scratch, "targets"), f"{url}/targets/")
        client.refresh()
        for path in paths:
            info = client.get_targetinfo(path)
            if info is None:
                sys.exit(f"judge: python-tuf finds no '{path}'")
            with open(client.download_target(info), "rb") as file:
                got[path] = (file.read(), info.custom)
    return got


def expect_refusal(directory, paths, name):
    with tempfile.TemporaryDirectory() as scratch:
        copied = os.path.join(scratch, "repository")
        shutil.copytree(directory, copied)
        file = os.path.join(copied, name)
        with open(file, "rb") as old:
            text = bytearray(old.read())
        at = text.index(b'"expires": "20') + len(b'"expires": "20')
        text[at] ^= 1
        with open(file, "wb") as new:
            new.write(text)
        try:
            fetch(copied, paths)
        except RepositoryError:
            return
    sys.exit(f"judge: python-tuf takes a changed {name}")


def read(directory, *paths):
    for path, (data, custom) in fetch(directory, paths).items():
        print(f"judge: python-tuf {tuf.__version__} took '{path}', {len(data)} bytes, custom {custom}")
    files = [name for name in sorted(os.listdir(os.path.join(directory, "metadata"))) if not name.startswith(("bundle-", "1.root"))]
    for name in files:
        expect_refusal(directory, paths, os.path.join("metadata", name))
    print(f"judge: and refuses each of {len(files)} files with a bit changed")


def only_fetch(directory, *paths):
    for path, (data, _) in fetch(directory, paths).items():
        print(f"judge: python-tuf {tuf.__version__} took '{path}', {len(data)} bytes")


# ---- a repository ------------------------------------------------------------------------------

MAKERS = [CryptoSigner.generate_ed25519, CryptoSigner.generate_ecdsa, CryptoSigner.generate_rsa]


class Repository:
    def __init__(self, directory):
        self.directory = directory
        self.expires = (datetime.now(timezone.utc) + timedelta(days=30)).replace(microsecond=0)
        self.signers = {}
        self.root = Root(expires=self.expires, consistent_snapshot=True)
        os.makedirs(os.path.join(directory, "metadata"))

    def give(self, role, delegator, count):
        """As many new keys, each of another kind; returns the old signers."""
        former = self.signers.get(role, [])
        for signer in former:
            delegator.revoke_key(signer.public_key.keyid, role)
        self.signers[role] = [MAKERS[(i + len(role)) % len(MAKERS)]() for i in range(count)]
        for signer in self.signers[role]:
            delegator.add_key(signer.public_key, role)
        return former

    def put(self, name, signed, signers):
        metadata = Metadata(copy.deepcopy(signed))
        for signer in signers:
            metadata.sign(signer, append=True)
        data = metadata.to_bytes()
        with open(os.path.join(self.directory, "metadata", name), "wb") as file:
            file.write(data)
        return data

    def put_target(self, targets, path, data):
        target = TargetFile.from_data(path, data, ["sha256", "sha512"])
        targets.targets[path] = target
        parent, name = os.path.split(path)
        os.makedirs(os.path.join(self.directory, "targets", parent), exist_ok=True)
        with open(os.path.join(self.directory, "targets", parent, f"{target.hashes['sha256']}.{name}"), "wb") as file:
            file.write(data)

    def put_roots(self):
        for version in (1, 2, 3):
            former = self.give("root", self.root, 3)
            self.root.roles["root"].threshold = 3
            for role in ("targets", "snapshot", "timestamp"):
                self.give(role, self.root, 2)
                self.root.roles[role].threshold = 2
            self.root.version = version
            data = self.put(f"{version}.root.json", self.root, former + self.signers["root"])
            if version == 1:
                with open(os.path.join(self.directory, "root.json"), "wb") as file:
                    file.write(data)

    def make(self):
        self.put_roots()
        targets, outer, inner = (Targets(expires=self.expires) for _ in range(3))
        targets.delegations = Delegations({}, {"train-R1": DelegatedRole("train-R1", [], 2, True, ["trains/R1/*/*"])})
        outer.delegations = Delegations({}, {"inner": DelegatedRole("inner", [], 1, False, ["trains/R1/*/*.raw"])})
        self.give("train-R1", targets, 2)
        self.give("inner", outer, 1)
        self.put_target(targets, "top.txt", b"top\n")
        self.put_target(outer, "trains/R1/R1.0/release.json", b"{}\n")
        self.put_target(inner, "trains/R1/R1.0/image.raw", b"image\n" * 1000)
        inner.unrecognized_fields["x-note"] = {"text": "\"\\\n\u0001é😀", "list": [1, -2, None, True]}
        snapshot = Snapshot(expires=self.expires, meta={})
        for role, signed in (("inner", inner), ("train-R1", outer), ("targets", targets)):
            data = self.put(f"1.{role}.json", signed, self.signers[role])
            snapshot.meta[f"{role}.json"] = MetaFile.from_data(1, data, ["sha256"])
        data = self.put("1.snapshot.json", snapshot, self.signers["snapshot"])
        timestamp = Timestamp(expires=self.expires, snapshot_meta=MetaFile.from_data(1, data, ["sha256", "sha512"]))
        self.put("timestamp.json", timestamp, self.signers["timestamp"])
        print(f"judge: python-tuf {tuf.__version__} made a repository")


if __name__ == "__main__":
    command, directory, *paths = sys.argv[1:]
    if command == "read":
        read(directory, *paths)
    elif command == "fetch":
        only_fetch(directory, *paths)
    else:
        Repository(directory).make()
