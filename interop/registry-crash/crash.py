"""Kill -9 and SIGSTOP under load: every acknowledged id keeps its schema, no id is given twice.

    crash.py MEKONG WORK CYCLES SEED

Three deployments, each with its share of the cycles; the seed chooses moments, and victims where they are not said:

one      `mekong serve`: the registry's node and the leader of `_schemas` are one process
fleet    a broker and three `mekong registry`; the victim is any of the four
cluster  three brokers, each with a registry; the victim is the broker whose registry was elected to write or the one that leads
         `_schemas`, in turn killed and paused. Where both are one, it is killed, which parts them.
"""

import collections
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


def free_ports(count):
    """Ports that differ: all are held until the last is chosen."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


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
    """What all deployments have: nodes, and the ports of their registries."""

    def __init__(self, name):
        self.data = os.path.join(WORK, f"{name}-data")
        shutil.rmtree(self.data, ignore_errors=True)
        self.nodes, self.ports, self.victims = [], [], collections.Counter()

    def choose(self, choice, number):
        return choice.choice(self.nodes), choice.choice(["kill", "pause"])

    def pause(self, choice):
        return choice.uniform(0.2, 9 if len(self.nodes) > 1 else 3)

    def stop(self):
        for node in self.nodes:
            node.signal(signal.SIGCONT)
            node.kill()
        shutil.rmtree(self.data, ignore_errors=True)


def served(port, data, *more):
    sets = [f"listeners=PLAINTEXT://127.0.0.1:{port}", f"log.dirs={data}", *more]
    return ["serve", *(part for one in sets for part in ("--set", one))]


class One(Deployment):
    def __init__(self, name):
        super().__init__(name)
        broker, port = free_ports(2)
        self.ports = [port]
        self.nodes = [Process(name, [*served(broker, self.data), "--registry", f"http://127.0.0.1:{port}"])]


class Fleet(Deployment):
    def __init__(self, name):
        super().__init__(name)
        broker, *self.ports = free_ports(4)
        self.nodes = [Process(f"{name}-broker", [*served(broker, self.data), "--no-registry"])]
        for port in self.ports:
            self.nodes.append(Process(f"{name}-{port}", [
                "registry", "--bootstrap-server", f"127.0.0.1:{broker}", "--listener", f"http://127.0.0.1:{port}",
                "--set", "kafkagroup.session.timeout.ms=6000"]))


class Cluster(Deployment):
    def __init__(self, name):
        super().__init__(name)
        ports = free_ports(9)
        brokers, controllers, self.ports = ports[:3], ports[3:6], ports[6:]
        self.bootstrap = ",".join(f"127.0.0.1:{port}" for port in brokers)
        voters = ",".join(f"{place + 1}@127.0.0.1:{port}" for place, port in enumerate(controllers))
        for place, (broker, controller, port) in enumerate(zip(brokers, controllers, self.ports)):
            listeners = f"listeners=PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}"
            self.nodes.append(Process(f"{name}-{place + 1}", [
                *served(broker, os.path.join(self.data, str(place + 1)), f"node.id={place + 1}", listeners,
                        "process.roles=broker,controller", f"controller.quorum.voters={voters}",
                        "controller.listener.names=CONTROLLER", "default.replication.factor=3", "min.insync.replicas=2",
                        "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
                        # Whoever comes to lead goes on leading, so that leader and writer stay parted.
                        "auto.leader.rebalance.enable=false", "offsets.topic.num.partitions=4"),
                "--registry", f"http://127.0.0.1:{port}", "--registry-set", "kafkagroup.session.timeout.ms=6000"]))

    def writer(self):
        """The one node whose registry says that it was elected, as its log has it."""
        says = []
        for node in self.nodes:
            with open(node.log.name) as log:
                elections = [line for line in log if "elected who writes" in line]
            if elections and "This" in elections[-1]:
                says.append(node)
        return says[0] if len(says) == 1 else None

    def leader(self):
        """The node that leads `_schemas`."""
        told = subprocess.run([MEKONG, "topic", "describe", "_schemas", "--json", "--timeout", "5", "-b", self.bootstrap],
                              capture_output=True, text=True)
        if told.returncode != 0:
            return None
        number = json.loads(told.stdout)["partitions"][0]["leader"]
        return self.nodes[number - 1] if number and number > 0 else None

    def choose(self, choice, number):
        until = time.time() + 90
        while not (known := (self.writer(), self.leader())) or None in known:
            if time.time() > until:
                raise SystemExit(f"no writer or no leader of _schemas within 90 s: {known}")
            time.sleep(0.2)
        writer, leader = known
        how = ["kill", "pause"][number // 2 % 2]
        if writer is leader:
            self.victims["kill both in one"] += 1
            return writer, "kill"
        what = ["writer", "leader"][number % 2]
        self.victims[f"{how} the {what}"] += 1
        return (writer if what == "writer" else leader), how


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

    def wait_for(self, more, patience=120):
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


def cycle(choice, deployment, load, number):
    load.wait_for(choice.randint(5, 40))
    victim, how = deployment.choose(choice, number)
    if how == "kill":
        victim.kill()
        time.sleep(choice.uniform(0, 0.5))
        victim.start()
    else:
        victim.signal(signal.SIGSTOP)
        time.sleep(deployment.pause(choice))
        victim.signal(signal.SIGCONT)
    load.wait_for(5)
    with load.lock:
        known = dict(load.acknowledged)
    verify(deployment.ports, known, sample=40)
    return f"{how} {victim.name}"


def run(name, kind, cycles):
    choice = random.Random(f"{SEED}/{name}")
    deployment = kind(name)
    try:
        load = Load(deployment.ports, name)
        for number in range(cycles):
            began = time.time()
            what = cycle(choice, deployment, load, number)
            took = f"{time.time() - began:.1f} s"
            print(f"{name} cycle {number + 1} of {cycles}: {what}, {took}; {load.count()} acknowledged", flush=True)
        load.stop()
        if load.refused:
            raise SystemExit(f"refused: {load.refused}")
        verify(deployment.ports, load.acknowledged)
        told = ", ".join(f"{what}: {count}" for what, count in sorted(deployment.victims.items()))
        print(f"{name}: {load.count()} acknowledged, all there, no id twice{told and f' ({told})'}", flush=True)
    finally:
        deployment.stop()


if __name__ == "__main__":
    print(f"seed {SEED}", flush=True)
    cycles = {"one": (CYCLES + 4) // 5, "fleet": max(1, CYCLES // 5), "cluster": CYCLES}
    chosen = os.environ.get("ONLY", "one,fleet,cluster").split(",")
    for name, kind in (("one", One), ("fleet", Fleet), ("cluster", Cluster)):
        if name in chosen:
            run(name, kind, cycles[name])
