"""What the programs of the Ceph formations share: to ask the cluster and its daemons, and to know an OSD's disk.

Nothing here prints a key or hands one to another program as an argument.
"""

import base64
import hashlib
import json
import os
import socket
import struct
import tempfile
import uuid

CONF = os.environ.get("ASHLAR_CEPH_CONF", "/etc/ceph/ceph.conf")
RUN = os.environ.get("ASHLAR_CEPH_RUN", "/run/ashlar-ceph")
SOCKETS = os.environ.get("ASHLAR_CEPH_SOCKETS", "/run/ceph")
DATA = os.environ.get("ASHLAR_CEPH_DATA", "/var/lib/ceph")
ACCOUNT = 64045  # of Debian's ceph, fixed in base-passwd's list

PERSON = 78  # exit code: a person must look


class Unreachable(Exception):
    """No monitor answered in time. Nothing is known of what the cluster has."""


class Refused(Exception):
    """The monitors answered, and do not know this key."""


class Failed(Exception):
    """The cluster was asked, and said no."""

    def __init__(self, code, text):
        super().__init__(text)
        self.code = code


class Cluster:
    """The cluster, as one of its clients. To be used in a `with`."""

    def __init__(self, client="client.admin", seconds=5, keyring=None):
        import rados  # of Ceph; where the cluster is not asked, its loading is spared

        self._rados = rados
        options = {"client_mount_timeout": str(seconds), "rados_mon_op_timeout": str(seconds), "rados_osd_op_timeout": str(seconds), "log_to_journald": "false", "log_to_stderr": "false", "err_to_stderr": "false"}
        if keyring:
            options["keyring"] = keyring
        self._seconds = seconds
        self.handle = rados.Rados(name=client, conffile=CONF, conf=options)

    def __enter__(self):
        rados = self._rados
        try:
            self.handle.connect(timeout=self._seconds)
        except (rados.PermissionDeniedError, rados.PermissionError) as error:
            raise Refused(str(error)) from None
        except rados.Error as error:
            raise Unreachable(str(error)) from None
        return self

    def __exit__(self, *_):
        self.handle.shutdown()

    def ask(self, prefix, data=b"", manager=False, **arguments):
        """What a command answers: an object where it is JSON, bytes where it is not."""
        command = json.dumps({"prefix": prefix, "format": "json", **arguments})
        try:
            if manager:
                code, answer, text = self.handle.mgr_command(command, data, timeout=self._seconds)
            else:
                code, answer, text = self.handle.mon_command(command, data, timeout=self._seconds)
        except self._rados.Error as error:
            raise Unreachable(str(error)) from None
        if code == -110:  # ETIMEDOUT
            raise Unreachable("'%s' was not answered in time" % prefix)
        if code != 0:
            raise Failed(-code, "cannot do '%s': %s" % (prefix, text or os.strerror(-code)))
        try:
            return json.loads(answer)
        except ValueError:
            return answer


def ask_daemon(name, prefix, seconds=2):
    """What a daemon of this node says at its own socket; None: it does not run, or does not answer."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(seconds)
            connection.connect("%s/ceph-%s.asok" % (SOCKETS, name))
            connection.sendall(json.dumps({"prefix": prefix}).encode() + b"\0")
            (length,) = struct.unpack(">I", _read(connection, 4))
            return json.loads(_read(connection, length))
    except (OSError, EOFError, ValueError):
        return None


def _read(connection, length):
    text = b""
    while len(text) < length:
        part = connection.recv(length - len(text))
        if not part:
            raise EOFError
        text += part
    return text


def storage_nodes():
    """Those of the site that may have OSDs: NAME.ID of each."""
    with open(RUN + "/storage-nodes") as file:
        return file.read().split()


# ---- Keys ----


def new_key():
    """CryptoKey::encode of src/auth/Crypto.cc: type 1 is AES, then when it was made, and its length."""
    return base64.b64encode(struct.pack("<HIIH", 1, 0, 0, 16) + os.urandom(16)).decode()


def keys_in(keyring):
    """The key of each entity in the text of a keyring."""
    keys, entity = {}, None
    for line in keyring.splitlines():
        line = line.strip()
        if line.startswith("[") and line.endswith("]"):
            entity = line[1:-1]
        elif "=" in line and line.split("=", 1)[0].strip() == "key":
            keys[entity] = line.split("=", 1)[1].strip()
    return keys


KEYRING, TOLD = RUN + "/clients.keyring", RUN + "/clients.told"  # what the site's store has; by its digest, what the monitors know


def keys_are_told():
    try:
        with open(TOLD) as file:
            return file.read() == _digest(KEYRING)
    except FileNotFoundError:
        return False


def note_keys():
    write_file(TOLD, _digest(KEYRING))


def _digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


# ---- Files ----


def write_file(path, text, mode=0o600, owner=0):
    """All of it or nothing, also when the power is cut."""
    folder = os.path.dirname(path)
    handle, new = tempfile.mkstemp(dir=folder, prefix=".new-")
    try:
        with os.fdopen(handle, "w") as file:
            os.fchown(file.fileno(), owner, owner)
            os.fchmod(file.fileno(), mode)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.rename(new, path)
    except BaseException:
        if os.path.exists(new):
            os.unlink(new)
        raise
    sync_folder(folder)


def sync_folder(folder):
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


# ---- Disks ----

LABEL = b"bluestore block device\n"


def label_of(device):
    """What BlueStore wrote at the begin of a disk: "osd_uuid" and its other names and texts; None where that is no BlueStore.

    bluestore_bdev_label_t of src/os/bluestore/bluestore_types.cc: a line, the uuid in a line of its own, and an encoded struct.
    """
    with open(device, "rb", buffering=0) as file:
        block = file.read(4096)
    if not block.startswith(LABEL):
        return None
    try:
        at = 60 + 6  # the two lines; version, oldest reader, length
        label = {"osd_uuid": str(uuid.UUID(bytes=block[at : at + 16]))}
        at += 16 + 8 + 8  # then the size, and when it was made
        description, at = _text(block, at)
        label["description"] = description
        (count,) = struct.unpack_from("<I", block, at)
        at += 4
        for _ in range(count):
            name, at = _text(block, at)
            label[name], at = _text(block, at)
    except (struct.error, ValueError, UnicodeDecodeError):
        raise Failed(0, "cannot read the label of '%s'" % device) from None
    return label


def _text(block, at):
    (length,) = struct.unpack_from("<I", block, at)
    if at + 4 + length > len(block):
        raise ValueError
    return block[at + 4 : at + 4 + length].decode(), at + 4 + length
