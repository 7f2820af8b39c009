"""Compares what registries say with what they acknowledged; and shows that a lie would be noticed."""

import http.client
import itertools
import random
import time

from load import Contradiction, call


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


def demand(port, path, wanted):
    status, found = patiently(port, path)
    if status != 200 or any(found.get(member) != value for member, value in wanted.items()):
        raise Contradiction(f"{path} at {port}: {status} {found}, but {wanted} was acknowledged")


def there(port, place, content, deleted=""):
    (subject, version), (number, text) = place, content
    demand(port, f"/subjects/{subject}/versions/{version}{deleted}",
           {"subject": subject, "version": version, "id": number, "schema": text})
    demand(port, f"/schemas/ids/{number}", {"schema": text})


def soft(port, place, content):
    there(port, place, content, "?deleted=true")
    status, found = patiently(port, f"/subjects/{place[0]}/versions/{place[1]}")
    if status != 404:
        raise Contradiction(f"{place} at {port}: {status} {found}, but its deletion was acknowledged")


def gone(port, subject, texts):
    status, versions = patiently(port, f"/subjects/{subject}/versions?deleted=true")
    for version in versions if status == 200 else ():
        _, found = patiently(port, f"/subjects/{subject}/versions/{version}?deleted=true")
        if found.get("schema") in texts:
            raise Contradiction(f"{subject} {version} at {port}: {found}, but it was acknowledged that it is deleted for good")


def in_time(check, *arguments, seconds):
    """Who does not write learns of a deletion a little later."""
    until = time.time() + seconds
    while True:
        try:
            return check(*arguments)
        except Contradiction:
            if time.time() > until:
                raise
            time.sleep(0.2)


def some(entries, sample):
    entries = list(entries.items())
    return entries if sample is None or len(entries) <= sample else random.sample(entries, sample)


def verify(ports, known, sample=None, patience=10):
    """What every registry says of what was acknowledged; of each kind all, or a sample."""
    texts = {}
    for number, text in itertools.chain(known.there.values(), known.soft.values()):
        if texts.setdefault(number, text) != text:
            raise Contradiction(f"id {number} was given to {texts[number]} and to {text}")
    port = itertools.cycle(ports)
    for place, content in some(known.there, sample):
        there(next(port), place, content)
    for place, content in some(known.soft, sample):
        in_time(soft, next(port), place, content, seconds=patience)
    for subject, erased in some(known.gone, sample):
        in_time(gone, next(port), subject, erased, seconds=patience)


def few(known):
    """As much as lies need."""
    for entries in (known.there, known.soft, known.gone):
        if len(entries) < 2:
            raise SystemExit("too little was registered and deleted to show anything")
    known = known.copy()
    known.there, known.soft, known.gone = (
        dict(random.sample(list(entries.items()), min(len(entries), 10))) for entries in (known.there, known.soft, known.gone))
    return known


def lies(known):
    """What was acknowledged, each time with one lie."""
    (place, (number, text)), (deleted, content) = next(iter(known.there.items())), next(iter(known.soft.items()))
    (subject, version), other = place, list(known.there.values())[-1]

    def lie(name, change):
        told = known.copy()
        change(told)
        return name, told

    yield lie("another id", lambda told: told.there.update({place: (number + 1_000_000, text)}))
    yield lie("another text", lambda told: told.there.update({place: (number, text.replace("record", "error"))}))
    yield lie("another version", lambda told: told.there.update({(subject, version + 1_000_000): (number, text)}))
    yield lie("an id of two", lambda told: told.there.update({place: (other[0], text)}))
    yield lie("not deleted", lambda told: told.there.update({deleted: content}))
    yield lie("deleted", lambda told: told.soft.update({place: told.there.pop(place)}))
    yield lie("deleted for good", lambda told: told.gone.update({subject: {text}}))
    yield lie("deleted softly only", lambda told: told.soft.update({(min(told.gone), 1): (number, text)}))


def notices_lies(ports, known):
    count, known = 0, few(known)
    for name, told in lies(known):
        try:
            verify(ports, told, patience=0)
        except Contradiction:
            count += 1
            continue
        raise SystemExit(f"the lie was not noticed: {name}")
    return count
