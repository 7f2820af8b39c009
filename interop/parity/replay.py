"""Replays the same script to Mekong and to Apache Kafka over raw sockets and compares the decoded answers.

    replay.py DEFINITIONS MEKONG KAFKA        addresses as host:port

`differences.json` holds the intended differences: a list of {what, api, version, path, reason}; "*" matches any. `errors.json` holds
the errors that the script reaches, {api: {code: name}}: one that is reached no more fails the run.
"""

import json
import pathlib
import sys

import script_groups
import script_records
import script_topics
from broker import Broker
from codec import Definitions

EXCHANGES_MIN = 500


def play(definitions, address):
    broker = Broker(definitions, address)
    for part in script_topics.SCRIPT[:-1] + script_records.SCRIPT + script_groups.SCRIPT + script_topics.SCRIPT[-1:]:
        broker.connect()
        first = len(broker.exchanges)
        part(broker)
        broker.exchanges[first:] = [(f"{part.__name__}: {what}", *rest) for what, *rest in broker.exchanges[first:]]
        print(f"{address}: {part.__name__}: {len(broker.exchanges) - first} exchanges", file=sys.stderr, flush=True)
    broker.close()
    return broker


def leaves(value, path=""):
    if isinstance(value, dict) and value:
        for key, one in value.items():
            yield from leaves(one, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value:
        for place, one in enumerate(value):
            yield from leaves(one, f"{path}[{place}]")
    else:
        yield path, value


def differ(mine, theirs):
    """Paths whose values differ, with both values."""
    mine, theirs = dict(leaves(mine)), dict(leaves(theirs))
    for path in {**mine, **theirs}:
        ours, other = mine.get(path, "absent"), theirs.get(path, "absent")
        if ours != other:
            yield path, ours, other


def intended(differences, what, api, version, path):
    def holds(row, key, value):
        wanted = row.get(key, "*")
        return wanted == "*" or wanted == value or (isinstance(wanted, str) and wanted.endswith("*") and str(value).startswith(wanted[:-1]))
    for row in differences:
        if all(holds(row, key, value) for key, value in [("what", what), ("api", api), ("version", version), ("path", path)]):
            row["used"] = True
            return True
    return False


def strip_unsupported(answer, other):
    """Of ApiVersions only what Mekong advertises is compared."""
    if "apiKeys" in answer and "apiKeys" in other:
        known = {entry["apiKey"] for entry in answer["apiKeys"]}
        other = {**other, "apiKeys": [entry for entry in other["apiKeys"] if entry["apiKey"] in known]}
    return other


def uncovered(definitions, broker):
    """Advertised versions that the script never asked."""
    advertised = broker.quietly("ApiVersions", 0, {})["apiKeys"]
    asked = {(api, version) for _, api, version, _ in broker.exchanges}
    for entry in advertised:
        api = definitions.names[entry["apiKey"]]
        for version in range(entry["minVersion"], entry["maxVersion"] + 1):
            if (api, version) not in asked:
                yield f"{api} v{version}"


def reached(broker):
    """Every (api, error code) that was answered."""
    for _, api, _, answer in broker.exchanges:
        for path, value in leaves(answer):
            if path.lower().endswith("errorcode") and value:
                yield api, value


def unreached(broker):
    """Errors that the script is there to reach, and did not."""
    listed = json.loads((pathlib.Path(__file__).parent / "errors.json").read_text())
    seen = set(reached(broker))
    return [f"{api} {name}" for api, errors in listed.items() for code, name in errors.items() if (api, int(code)) not in seen]


def main(folder, mekong, kafka):
    definitions = Definitions(folder)
    differences = json.loads((pathlib.Path(__file__).parent / "differences.json").read_text())
    ours, theirs = play(definitions, mekong), play(definitions, kafka)
    mine, reference = ours.comparable(), theirs.comparable()
    assert [row[:3] for row in mine] == [row[:3] for row in reference], "the script took another turn"
    failed = 0
    for (what, api, version, answer), (_, _, _, expected) in zip(mine, reference):
        found = [d for d in differ(answer, strip_unsupported(answer, expected)) if not intended(differences, what, api, version, d[0])]
        if found:
            failed += 1
            print(f"not ok parity {what} ({api} v{version})")
            for path, got, want in found[:12]:
                print(f"    {path}: Mekong {got!r}, Kafka {want!r}")
    silent = [row[:3] for row in reference if row[3] == {"connection": "no answer"}]
    if silent:
        print("Kafka left without an answer:", silent)
    missing = list(uncovered(definitions, ours))
    for name in missing:
        print("not ok parity: advertised and never asked:", name)
    lost = unreached(ours)
    for name in lost:
        print("not ok parity: an error that is reached no more:", name)
    missing += lost
    for row in differences:
        if "used" not in row:
            print("not ok parity: a difference that no longer is one:", row)
            failed += 1
    assert len(mine) >= EXCHANGES_MIN, f"only {len(mine)} exchanges"
    print(f"parity: {len(mine) - failed} passed, {failed + len(missing)} failed")
    sys.exit(1 if failed or missing else 0)


main(*sys.argv[1:4])
