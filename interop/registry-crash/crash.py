"""Kill -9 and SIGSTOP under load: every acknowledged id keeps its schema, no id is given twice.

    crash.py MEKONG WORK CYCLES SEED

Half of the cycles run against `mekong serve`, where the registry's node and the leader of `_schemas` are one process; half
against a broker and three `mekong registry`, where the victim is any of the four. The seed chooses victims and moments.
"""

import http.client
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

MEKONG, WORK, CYCLES, SEED = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
WRITERS = 6


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Process:
    """A node that can be killed and started again where it was."""

    def __init__(self, name, arguments):
        self.name, self.arguments = name, arguments
        self.log = open(os.path.join(WORK, f"{name}.log"), "w")
        self.start()

    def start(self):
        self.child = subprocess.Popen([MEKONG, *self.arguments], stdout=subprocess.DEVNULL, stderr=self.log)

    def signal(self, what):
        self.child.send_signal(what)

    def kill(self):
        self.child.kill()
        self.child.wait()


class Deployment:
    def __init__(self, name, fleet):
        data = os.path.join(WORK, f"{name}-data")
        shutil.rmtree(data, ignore_errors=True)
        broker = free_port()
        serve = ["serve", "--set", f"listeners=PLAINTEXT://127.0.0.1:{broker}", "--set", f"log.dirs={data}"]
        self.data = data
        if fleet:
            self.ports = [free_port() for _ in range(3)]
            self.nodes = [Process(f"{name}-broker", [*serve, "--no-registry"])]
            for port in self.ports:
                self.nodes.append(Process(f"{name}-{port}", [
                    "registry", "--bootstrap-server", f"127.0.0.1:{broker}", "--listener", f"http://127.0.0.1:{port}",
                    "--set", "kafkagroup.session.timeout.ms=6000"]))
        else:
            self.ports = [free_port()]
            self.nodes = [Process(name, [*serve, "--registry", f"http://127.0.0.1:{self.ports[0]}"])]

    def stop(self):
        for node in self.nodes:
            node.signal(signal.SIGCONT)
            node.kill()
        shutil.rmtree(self.data, ignore_errors=True)


def call(port, method, path, body=None, patience=8):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=patience)
    try:
        connection.request(method, path, body and json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"null")
    finally:
        connection.close()


def schema(subject):
    return json.dumps({"type": "record", "name": subject.replace("-", "_"), "fields": []}, separators=(",", ":"))


class Load:
    """Writers that register new schemas all the time, and remember what was acknowledged."""

    def __init__(self, ports, name):
        self.ports, self.name = ports, name
        self.acknowledged, self.lock, self.over = {}, threading.Lock(), threading.Event()
        self.refused = []
        self.threads = [threading.Thread(target=self.write, args=(n,), daemon=True) for n in range(WRITERS)]
        for thread in self.threads:
            thread.start()

    def write(self, writer):
        number, choice = 0, random.Random(f"{SEED}/{writer}")
        while not self.over.is_set():
            subject = f"{self.name}-{writer}-{number}"
            try:
                status, answer = call(choice.choice(self.ports), "POST", f"/subjects/{subject}/versions",
                                      {"schema": schema(subject)})
            except (OSError, http.client.HTTPException, ValueError):
                time.sleep(0.05)
                continue
            if status == 200:
                with self.lock:
                    self.acknowledged[subject] = answer["id"]
                number += 1
                time.sleep(0.01)
            elif status < 500:
                self.refused.append((subject, status, answer))
                return

    def count(self):
        with self.lock:
            return len(self.acknowledged)

    def wait_for(self, more, patience=60):
        wanted, until = self.count() + more, time.time() + patience
        while self.count() < wanted:
            if time.time() > until:
                raise SystemExit(f"{self.name}: no {more} more registrations within {patience} s; refused: {self.refused}")
            time.sleep(0.02)

    def stop(self):
        self.over.set()
        for thread in self.threads:
            thread.join(30)


def verify(ports, acknowledged, sample=None):
    """What every registry says of what was acknowledged."""
    ids = {}
    for subject, number in acknowledged.items():
        other = ids.setdefault(number, subject)
        if other != subject:
            raise SystemExit(f"id {number} was given to {other} and to {subject}")
    chosen = list(acknowledged.items())
    if sample is not None and len(chosen) > sample:
        chosen = random.sample(chosen, sample)
    for place, (subject, number) in enumerate(chosen):
        port = ports[place % len(ports)]
        for path, member, wanted in ((f"/schemas/ids/{number}", "schema", schema(subject)),
                                     (f"/subjects/{subject}/versions/1", "id", number)):
            status, found = patiently(port, path)
            if status != 200 or found.get(member) != wanted:
                raise SystemExit(f"{path} at {port}: {status} {found}, but {subject} was acknowledged with id {number}")


def patiently(port, path):
    for _ in range(100):
        try:
            status, found = call(port, "GET", path)
            if status < 500:
                return status, found
        except (OSError, http.client.HTTPException, ValueError):
            pass
        time.sleep(0.2)
    return 0, {}


def cycle(choice, deployment, load):
    load.wait_for(choice.randint(5, 40))
    victim, how = choice.choice(deployment.nodes), choice.choice(["kill", "pause"])
    if how == "kill":
        victim.kill()
        time.sleep(choice.uniform(0, 0.5))
        victim.start()
    else:
        victim.signal(signal.SIGSTOP)
        time.sleep(choice.uniform(0.2, 9 if len(deployment.nodes) > 1 else 3))
        victim.signal(signal.SIGCONT)
    load.wait_for(5)
    with load.lock:
        known = dict(load.acknowledged)
    verify(deployment.ports, known, sample=40)
    return f"{how} {victim.name}"


def run(name, fleet, cycles):
    choice = random.Random(f"{SEED}/{name}")
    deployment = Deployment(name, fleet)
    try:
        load = Load(deployment.ports, name)
        for number in range(cycles):
            what = cycle(choice, deployment, load)
            print(f"{name} cycle {number + 1} of {cycles}: {what}; {load.count()} acknowledged", flush=True)
        load.stop()
        if load.refused:
            raise SystemExit(f"refused: {load.refused}")
        verify(deployment.ports, load.acknowledged)
        print(f"{name}: {load.count()} acknowledged, all there, no id twice", flush=True)
    finally:
        deployment.stop()


if __name__ == "__main__":
    print(f"seed {SEED}", flush=True)
    run("one", False, (CYCLES + 1) // 2)
    run("fleet", True, CYCLES // 2)
