#!/usr/bin/env python3
"""Interrupts `ashlar build probe` in each of its stages and looks at what is left.

For SIGINT and SIGKILL: every stage that a whole build announces is hit once. After each hit there must
be no process of that build, no mount below its directories and nothing under a final name in the output
that `ashlar inspect` does not accept. The next run goes on from there, and the last one must finish.

Then: a store on a file system that is too small, and a mirror that cuts every connection. Both must end
with an error that names the cause, leave nothing, and succeed once the cause is gone. At last a source
that is edited while ashlard is made from it.

Packages come from the store of the machine (blobs are linked over), so that only the first run fetches.
"""

import argparse
import http.server
import json
import os
import pathlib
import shutil
import signal
import socketserver
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

MARK = "ASHLAR_FAULT_TEST"


class Failure(Exception):
    pass


class Bench:
    def __init__(self, ashlar, work, shared_store):
        self.ashlar = ashlar
        self.work = work
        self.store = work / "store"
        self.output = work / "out"
        self.keys = work / "keys"
        self.mark = f"{os.getpid()}-{time.time_ns()}"
        self.fill_store(shared_store)
        self.run("key", "new")

    def fill_store(self, shared):
        blobs = self.store / "blobs"
        blobs.parent.mkdir(parents=True, exist_ok=True)
        if (shared / "blobs").is_dir():
            subprocess.run(["cp", "-a", "--reflink=auto", str(shared / "blobs"), str(blobs)], check=True)

    def argv(self, *words, store=None, mirror=None):
        argv = [self.ashlar, "--store", str(store or self.store), "--keys", str(self.keys), "--output", str(self.output)]
        if mirror:
            argv += ["--mirror", mirror]
        return argv + ["--progress", "json", *words]

    def environment(self):
        return os.environ | {MARK: self.mark}

    def run(self, *words, **where):
        return subprocess.run(self.argv(*words, **where), env=self.environment(), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True)

    def build(self, **where):
        done = self.run("build", "--live", "probe", **where)
        return done.returncode, done.stderr

    def activities(self, stderr):
        return [event["name"] for event in events(stderr.splitlines()) if event["event"] == "started"]

    def build_until(self, name, number):
        """Starts a build and sends the signal as soon as it announces activity `name`; returns whether it did."""
        process = subprocess.Popen(self.argv("build", "--live", "probe"), env=self.environment(), stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True)
        hit = False
        said = []
        for event in events(kept(process.stderr, said)):
            if event["event"] == "started" and event["name"] == name and not hit:
                time.sleep(0.05)
                process.send_signal(number)
                hit = True
        code = process.wait()
        if hit and code == 0:
            return False  # it was over before the signal arrived
        if hit and number == signal.SIGINT and code not in (130, -signal.SIGINT):
            raise Failure(f"SIGINT during '{name}': exit code {code}, expected 130")
        if not hit and code != 0:
            raise Failure(f"the build before '{name}' failed with {code}:\n{''.join(said[-8:])}")
        return hit

    def check_clean(self, when):
        deadline = time.monotonic() + 10
        while (left := self.processes()) and time.monotonic() < deadline:
            time.sleep(0.05)
        if left:
            raise Failure(f"{when}: processes left: {left}")
        mounts = [line for line in open("/proc/self/mounts") if str(self.work) in line and not line.startswith("fault-test")]
        if mounts:
            raise Failure(f"{when}: mounts left: {mounts}")
        for image in self.output.glob("*.raw"):
            if subprocess.run([self.ashlar, "inspect", str(image)], capture_output=True).returncode != 0:
                raise Failure(f"{when}: '{image.name}' is there and is not whole")

    def processes(self):
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            try:
                if f"{MARK}={self.mark}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(f"{entry.name} {(entry / 'comm').read_text().strip()}")
            except OSError:
                continue
        return found


def kept(lines, said):
    for line in lines:
        said.append(line)
        yield line


def events(lines):
    for line in lines:
        if line.startswith("{"):
            yield json.loads(line)


def forget_results(bench):
    shutil.rmtree(bench.store / "stages", ignore_errors=True)
    shutil.rmtree(bench.output, ignore_errors=True)


def signals(bench, names, number):
    forget_results(bench)
    hits = 0
    for name in dict.fromkeys(names):
        if bench.build_until(name, number):
            hits += 1
        else:
            forget_results(bench)
        bench.check_clean(f"{signal.Signals(number).name} during '{name}'")
    code, stderr = bench.build()
    if code != 0:
        raise Failure(f"the run after all interruptions failed:\n{stderr}")
    bench.check_clean("after the last run")
    if hits < len(set(names)) // 2:
        raise Failure(f"only {hits} of {len(set(names))} stages could be hit: the test proves too little")
    print(f"{signal.Signals(number).name}: {hits} stages hit, next run finished")


def full_disk(bench):
    small = bench.work / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "fault-test", str(small)], check=True)
    try:
        shutil.rmtree(bench.output, ignore_errors=True)
        code, stderr = bench.build(store=small / "store")
        if code == 0 or "No space left on device" not in stderr:
            raise Failure(f"full disk: exit code {code}, and the error does not say so:\n{stderr[-2000:]}")
        bench.check_clean("full disk")
        if any(bench.output.glob("*.raw")):
            raise Failure("full disk: an image is there")
        subprocess.run(["mount", "-o", "remount,size=6g", str(small)], check=True)
        code, stderr = bench.build(store=small / "store")
        if code != 0:
            raise Failure(f"after making room the build failed:\n{stderr[-2000:]}")
        bench.check_clean("after making room")
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)
    print("full disk: named, nothing left, next run finished")


class CuttingMirror(http.server.BaseHTTPRequestHandler):
    """Passes indices on and cuts every package after its first 20,000 bytes."""

    upstream = {}
    cutting = True

    def do_GET(self):
        archive, _, path = self.path.lstrip("/").partition("/")
        try:
            answer = urllib.request.urlopen(f"{self.upstream[archive]}/{path}")
        except urllib.error.HTTPError as error:
            self.send_error(error.code)
            return
        body = answer.read()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        cut = self.cutting and path.endswith(".deb")
        self.wfile.write(body[:20000] if cut else body)
        if cut:
            self.close_connection = True

    def log_message(self, *_):
        pass


def upstream_mirrors():
    text = subprocess.run(["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"],
                          capture_output=True, text=True, check=True).stdout
    return {uri.rstrip("/").rsplit("/", 1)[-1]: uri.rstrip("/") for uri in text.split()}


def lost_connection(bench):
    CuttingMirror.upstream = upstream_mirrors()
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), CuttingMirror)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    mirror = f"http://127.0.0.1:{server.server_address[1]}"
    empty = bench.work / "empty-store"
    shutil.rmtree(bench.output, ignore_errors=True)
    code, stderr = bench.build(store=empty, mirror=mirror)
    if code == 0 or mirror not in stderr:
        raise Failure(f"cut connections: exit code {code}, and the error does not name the mirror:\n{stderr[-2000:]}")
    bench.check_clean("cut connections")
    CuttingMirror.cutting = False
    code, stderr = bench.build(store=empty, mirror=mirror)
    server.shutdown()
    if code != 0:
        raise Failure(f"after the connection came back the build failed:\n{stderr[-2000:]}")
    print("lost connection: named, nothing left, next run finished")


# A source that takes no time to compile, and that somebody edits meanwhile.
TINY = """cmake_minimum_required(VERSION 3.25)
project(ashlar VERSION 0.1.0 LANGUAGES NONE)
install(FILES base/file DESTINATION lib)
enable_testing()
add_test(NAME nothing COMMAND true)
"""


def changed_source(bench):
    tree, source = pathlib.Path(__file__).resolve().parents[2], bench.work / "source"
    tests = "base firstboot state disks site node bootmenu upgrade control ctl service journald rescue"
    for part in ["cmake", "base", "signing", "firstboot/package", *(f"tests/unit/{name}" for name in tests.split())]:
        (source / part).mkdir(parents=True)
    shutil.copytree(tree / "recipes", source / "recipes")
    shutil.copytree(tree / "overlays", source / "overlays")
    shutil.copy(tree / "firstboot/package/control", source / "firstboot/package/control")
    (source / "CMakeLists.txt").write_text(TINY)
    (source / "base/file").write_text("before")
    argv = bench.argv("--source", str(source), "--recipes", str(source / "recipes"), "lock", "R0", "--role", "base")
    process = subprocess.Popen(argv, env=bench.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    said = []
    for event in events(kept(process.stderr, said)):
        if event["event"] == "started" and event["name"] == "ashlard":
            (source / "base/file").write_text("after")
    if process.wait() == 0 or "its source changed while it was compiled" not in "".join(said):
        raise Failure(f"a source that changed: exit code {process.returncode}\n{''.join(said[-8:])}")
    bench.check_clean("a source that changed")
    done = subprocess.run(argv, env=bench.environment(), capture_output=True, text=True)
    if done.returncode != 0:
        raise Failure(f"a source that does not change any more: exit code {done.returncode}\n{done.stderr[-2000:]}")
    print("changed source: not taken for the one of before, next run finished")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ashlar", default=os.environ.get("ASHLAR", "build/ashlar"))
    parser.add_argument("--store", type=pathlib.Path, default=pathlib.Path(os.environ.get("ASHLAR_STORE", "/var/cache/ashlar")))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ashlar-fault-", dir=os.environ.get("TMPDIR", "/var/tmp")) as work:
        bench = Bench(os.path.abspath(options.ashlar), pathlib.Path(work), options.store)
        code, stderr = bench.build()
        if code != 0:
            raise Failure(f"the first, undisturbed build failed:\n{stderr[-3000:]}")
        names = bench.activities(stderr)
        signals(bench, names, signal.SIGINT)
        signals(bench, names, signal.SIGKILL)
        full_disk(bench)
        lost_connection(bench)
        changed_source(bench)


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit(f"FAILED: {failure}")
