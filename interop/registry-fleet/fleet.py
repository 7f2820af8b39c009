"""Several `mekong registry` on one cluster: one is elected and writes, the others forward; when it dies, another takes over.

    fleet.py MEKONG BOOTSTRAP WORK

Run against Mekong and against Apache Kafka alike. A plain consumer then reads what the topic holds.
"""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

MEKONG, BOOTSTRAP, WORK = sys.argv[1:4]
TOPIC = f"_schemas_{os.getpid()}"
GROUP = f"registries-{os.getpid()}"


class Registry:
    def __init__(self, number, *more):
        self.log = open(os.path.join(WORK, f"fleet-{number}.log"), "w")
        settings = [f"kafkastore.topic={TOPIC}", f"schema.registry.group.id={GROUP}",
                    "kafkagroup.session.timeout.ms=6000", *more]
        arguments = [MEKONG, "registry", "--json", "--bootstrap-server", BOOTSTRAP, "--listener", "http://127.0.0.1:0"]
        for setting in settings:
            arguments += ["--set", setting]
        self.process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.url = json.loads(self.process.stdout.readline())["registry"]

    def call(self, method, path, body=None, patience=30):
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/vnd.schemaregistry.v1+json"}
        request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=patience) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"null")

    def register(self, subject, text):
        """Registers until it is answered; an election takes its time."""
        for _ in range(20):
            status, answer = self.call("POST", f"/subjects/{subject}/versions", {"schema": text})
            if status < 500:
                return status, answer
            time.sleep(0.5)
        return status, answer

    def leads(self):
        self.log.flush()
        with open(self.log.name) as log:
            elections = [line for line in log if "elected who writes" in line]
        return bool(elections) and "This" in elections[-1]

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait(20)


def record(name):
    return json.dumps({"type": "record", "name": name, "fields": []})


def expect(found, wanted, what):
    if found != wanted:
        raise SystemExit(f"{what}: {found} instead of {wanted}")


def leader_of(fleet):
    for _ in range(150):
        leaders = [registry for registry in fleet if registry.leads()]
        if len(leaders) == 1:
            return leaders[0]
        time.sleep(0.2)
    raise SystemExit(f"{len(leaders)} of {len(fleet)} registries say that they write")


def ids_agree(fleet, subjects):
    for subject, answer in subjects.items():
        for registry in fleet:
            status, found = registry.call("GET", f"/subjects/{subject}/versions/1")
            expect((status, found.get("id")), (200, answer["id"]), f"{subject} at {registry.url}")
    ids = [answer["id"] for answer in subjects.values()]
    expect(len(set(ids)), len(ids), "distinct ids")


def run():
    fleet = [Registry(number) for number in range(3)]
    fleet.append(Registry(3, "leader.eligibility=false"))
    smallest = min(registry.url for registry in fleet[:3])
    leader = leader_of(fleet)
    # The first to come is elected alone, until the others have joined.
    for _ in range(150):
        if leader.url == smallest:
            break
        time.sleep(0.2)
        leader = leader_of(fleet)
    expect(leader.url, smallest, "the smallest URL is elected")
    acknowledged = {}

    def register(number):
        registry = fleet[number % len(fleet)]
        status, answer = registry.register(f"s{number}", record(f"R{number}"))
        expect(status, 200, f"registering at {registry.url}: {answer}")
        acknowledged[f"s{number}"] = answer

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(register, range(40)))
    ids_agree(fleet, acknowledged)
    follower = next(registry for registry in fleet if registry is not leader)
    status, answer = follower.call("POST", "/subjects/s0/versions", {"schema": '"string"'})
    expect((status, answer["error_code"]), (409, 409), "a refusal travels back")
    expect(follower.call("PUT", "/config/s0", {"compatibility": "NONE"})[0], 200, "configuration by a follower")
    expect(leader.call("GET", "/config/s0"), (200, {"compatibilityLevel": "NONE"}), "configuration at the leader")

    # Paused, deposed, resumed: it forwards like the rest, and nothing is lost.
    leader.process.send_signal(signal.SIGSTOP)
    others = [registry for registry in fleet if registry is not leader]
    successor = leader_of(others)
    status, answer = others[-1].register("after-pause", record("AfterPause"))
    expect(status, 200, f"registering while the first leader sleeps: {answer}")
    acknowledged["after-pause"] = answer
    leader.process.send_signal(signal.SIGCONT)
    status, answer = leader.register("by-the-sleeper", record("BySleeper"))
    expect(status, 200, f"registering at the one that woke: {answer}")
    acknowledged["by-the-sleeper"] = answer
    ids_agree(fleet, acknowledged)

    # Killed: another takes over.
    leader = leader_of(fleet)
    leader.stop(signal.SIGKILL)
    fleet.remove(leader)
    status, answer = fleet[-1].register("after-kill", record("AfterKill"))
    expect(status, 200, f"registering after a kill: {answer}")
    acknowledged["after-kill"] = answer
    ids_agree(fleet, acknowledged)
    fresh = Registry(9)
    ids_agree([fresh], acknowledged)
    for registry in [*fleet, fresh]:
        registry.stop()
    print(f"{len(acknowledged)} schemas, one writer at a time, on {BOOTSTRAP}")
    return acknowledged


def read_plainly(acknowledged):
    """What a consumer that knows nothing of registries sees, against what is documented."""
    lines = subprocess.run(
        [MEKONG, "consume", TOPIC, "--bootstrap-server", BOOTSTRAP, "--offset", "beginning", "--exit", "--json"],
        capture_output=True, text=True, timeout=60, check=True).stdout.splitlines()
    last = {}
    for line in lines:
        found = json.loads(line)
        last[found["key"]] = found["value"]
    for subject, answer in acknowledged.items():
        key = json.dumps({"keytype": "SCHEMA", "subject": subject, "version": 1, "magic": 1}, separators=(",", ":"))
        value = json.loads(last[key])
        expect([*value], ["subject", "version", "id", "schema", "deleted"], f"the members of {key}")
        expect((value["id"], value["deleted"]), (answer["id"], False), f"the value of {key}")


if __name__ == "__main__":
    read_plainly(run())
