"""Kill -9 and SIGSTOP under load: what was acknowledged stays, be it there or deleted; no id and no version is given twice.

    crash.py MEKONG WORK CYCLES SEED

Three deployments, each with its share of the cycles; the seed chooses moments, and victims where they are not said:

one      `mekong serve`: the registry's node and the leader of `_schemas` are one process
fleet    a broker and three `mekong registry`; the victim is any of the four
cluster  three brokers, each with a registry; the victim is the broker whose registry was elected to write or the one that leads
         `_schemas`, in turn killed and paused. Where both are one, it is killed, which parts them.
"""

import collections
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time

sys.dont_write_bytecode = True
from load import Contradiction, Load
from verify import notices_lies, verify

MEKONG, WORK, CYCLES, SEED = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
# Registrations are answered with their versions, too.
VERSIONED = ["--registry-set", "compat.profile=8.1"]


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
        self.nodes = [Process(name, [*served(broker, self.data), "--registry", f"http://127.0.0.1:{port}", *VERSIONED])]


class Fleet(Deployment):
    def __init__(self, name):
        super().__init__(name)
        broker, *self.ports = free_ports(4)
        self.nodes = [Process(f"{name}-broker", [*served(broker, self.data), "--no-registry"])]
        for port in self.ports:
            self.nodes.append(Process(f"{name}-{port}", [
                "registry", "--bootstrap-server", f"127.0.0.1:{broker}", "--listener", f"http://127.0.0.1:{port}",
                "--set", "kafkagroup.session.timeout.ms=6000", "--set", VERSIONED[1]]))


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
                "--registry", f"http://127.0.0.1:{port}", "--registry-set", "kafkagroup.session.timeout.ms=6000", *VERSIONED]))

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
    verify(deployment.ports, load.settled(), sample=20)
    return f"{how} {victim.name}"


def run(name, kind, cycles):
    choice = random.Random(f"{SEED}/{name}")
    deployment = kind(name)
    try:
        load = Load(deployment.ports, name, f"{SEED}/{name}")
        for number in range(cycles):
            began = time.time()
            what = cycle(choice, deployment, load, number)
            took = f"{time.time() - began:.1f} s"
            print(f"{name} cycle {number + 1} of {cycles}: {what}, {took}; {load.known.count} acknowledged", flush=True)
        load.stop()
        verify(deployment.ports, load.known)
        noticed = notices_lies(deployment.ports, load.known)
        told = ", ".join(f"{what}: {count}" for what, count in sorted({**deployment.victims, **load.did}.items()))
        print(f"{name}: {load.known.count} acknowledged, all as it was, no id twice ({told}; {noticed} lies noticed)", flush=True)
    except Contradiction as error:
        raise SystemExit(f"{name}: {error}") from error
    finally:
        deployment.stop()


if __name__ == "__main__":
    print(f"seed {SEED}", flush=True)
    cycles = {"one": (CYCLES + 4) // 5, "fleet": max(1, CYCLES // 5), "cluster": CYCLES}
    chosen = os.environ.get("ONLY", "one,fleet,cluster").split(",")
    for name, kind in (("one", One), ("fleet", Fleet), ("cluster", Cluster)):
        if name in chosen:
            run(name, kind, cycles[name])
