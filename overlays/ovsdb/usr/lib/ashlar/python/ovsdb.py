"""Asks servers of OVSDB (RFC 7047), and daemons of Open vSwitch over the socket that ovs-appctl(8) speaks to, which is JSON-RPC as well."""

import json
import socket
import ssl

PATIENCE = 3.0


class Unanswered(Exception):
    """Nobody answers there, or in another way than it should."""


def plain(value):
    if not isinstance(value, list):
        return value
    kind, content = value
    if kind == "map":
        return {plain(key): plain(item) for key, item in content}
    return [plain(item) for item in content] if kind == "set" else content


class Session:
    """JSON-RPC with one server."""

    def __init__(self, stream):
        self.stream, self.buffer, self.decoder = stream, "", json.JSONDecoder()

    @classmethod
    def local(cls, path, patience=PATIENCE):
        stream = socket.socket(socket.AF_UNIX)
        stream.settimeout(patience)
        try:
            stream.connect(path)
        except OSError as error:
            stream.close()
            raise Unanswered(f"cannot reach '{path}': {error.strerror}") from error
        return cls(stream)

    @classmethod
    def remote(cls, host, port, identity, authority, patience=PATIENCE):
        """By TLS, with OVN's central servers and nobody else. `identity`: a file with certificate and key."""
        try:
            context = ssl.create_default_context(cafile=authority)
            context.minimum_version = ssl.TLSVersion.TLSv1_3
            context.load_cert_chain(identity)
            stream = socket.create_connection((host.strip("[]"), port), patience)
            return cls(context.wrap_socket(stream, server_hostname="ovn-central.ashlar"))
        except OSError as error:
            raise Unanswered(f"cannot reach {host}:{port}: {error}") from error

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stream.close()

    def call(self, method, params):
        try:
            self.stream.sendall(json.dumps({"method": method, "params": params, "id": 0}).encode())
            while True:
                message = self._next()
                if message.get("method") == "echo":
                    self.stream.sendall(json.dumps({"id": message["id"], "result": message["params"], "error": None}).encode())
                elif "result" in message:
                    break
        except OSError as error:
            raise Unanswered(f"cannot ask: {error}") from error
        if message.get("error") is not None:
            raise Unanswered(f"'{method}' was refused: {message['error']}")
        return message["result"]

    def transact(self, database, *operations):
        results = self.call("transact", [database, *operations])
        for result in results:
            if result and "error" in result:
                raise Unanswered(f"the database refused: {result['error']}: {result.get('details', '')}")
        return results

    def table(self, database, table, *columns, where=()):
        """Rows as {column: value}; maps are dicts, sets lists, an id is its text."""
        rows = self.transact(database, {"op": "select", "table": table, "where": list(where), "columns": list(columns)})[0]["rows"]
        return [{column: plain(value) for column, value in row.items()} for row in rows]

    def _next(self):
        while True:
            text = self.buffer.lstrip()
            if text:
                try:
                    message, end = self.decoder.raw_decode(text)
                    self.buffer = text[end:]
                    return message
                except ValueError:
                    pass
            part = self.stream.recv(65536)
            if not part:
                raise Unanswered("the server hung up")
            self.buffer = text + part.decode()


def control(path, *words):
    """What `ovn-appctl -t PATH WORDS…` prints."""
    with Session.local(path) as session:
        return session.call(words[0], list(words[1:]))


def daemon(run, name):
    """The control socket of a daemon that was not given one. By the name alone ovs-appctl(8) wants to write into the file with the process id."""
    try:
        with open(f"{run}/{name}.pid", encoding="ascii") as file:
            return f"{run}/{name}.{file.read().strip()}.ctl"
    except OSError as error:
        raise Unanswered(f"{name} does not run") from error
