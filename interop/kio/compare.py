"""Reads each sample with kio and writes it again: the bytes must be equal, and none may be left over.

The samples come from Mekong's example `samples`: a line `kind name version seed hex` each.
"""

import io
import re
import sys
from collections import Counter

from kio.index import UnknownEntity, load_entity_schema
from kio.serial import entity_reader, entity_writer
from kio.static.constants import EntityType

KINDS = {
    "Request": EntityType.request,
    "Response": EntityType.response,
    "Header": EntityType.header,
    "Data": EntityType.data,
}


def schema_name(kind, name):
    """kio's name of the schema: the API's, or the message's own, in snake case."""
    if kind in ("Request", "Response"):
        name = re.sub("(Request|Response)$", "", name)
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def difference(kind, name, version, sample):
    """What is wrong with kio's view of the sample, or None."""
    try:
        entity = load_entity_schema(schema_name(kind, name), version, KINDS[kind])
    except UnknownEntity:
        return "kio does not know it"
    try:
        value, size = entity_reader(entity)(sample, 0)
        if size != len(sample):
            return f"kio read {size} bytes of {len(sample)}"
        again = io.BytesIO()
        entity_writer(entity)(again, value)
    except Exception as error:  # whatever kio raises is the finding
        return f"kio: {type(error).__name__}: {error}"
    return None if again.getvalue() == sample else f"kio writes {again.getvalue().hex()}"


def main(path):
    equal, failed = Counter(), []
    for line in open(path, encoding="ascii"):
        kind, name, version, seed, *sample = line.split()
        found = difference(kind, name, int(version), bytes.fromhex(sample[0] if sample else ""))
        if found is None:
            equal[name, version] += 1
        else:
            failed.append(f"{name} v{version}, seed {seed}: {found}")
    for line in failed[:40]:
        print(line)
    print(f"kio: {sum(equal.values())} samples of {len(equal)} (message, version) pairs equal, {len(failed)} not")
    return 1 if failed or not equal else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
