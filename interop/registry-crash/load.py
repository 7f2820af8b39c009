"""The load while nodes are killed and paused, and what must be found of it afterwards.

A request without an answer, or answered 5xx, may have been carried out, may not, and may still be: what depends on it is neither
demanded nor forbidden. So a registration is asked again only for what is never deleted, and a deletion never is.

own        each registers new subjects, of one version
shared     two register in one subject; one of them deletes some of its versions, softly or for good
deleting   one registers, deletes softly, deletes for good, and registers again, in one subject after another
referring  one refers to a version that at the same time is deleted for good: both are never acknowledged
"""

import http.client
import json
import random
import threading
import time

OWN = 4


def call(port, method, path, body=None, patience=8):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=patience)
    try:
        connection.request(method, path, body and json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"null")
    finally:
        connection.close()


def schema(name, fields=()):
    return json.dumps({"type": "record", "name": name.replace("-", "_"), "fields": list(fields)}, separators=(",", ":"))


class Contradiction(Exception):
    """What was answered cannot all be true."""


class Unknown(Exception):
    """A request whose outcome nobody knows."""


class Known:
    """What was acknowledged: versions that are there, those deleted softly, and texts that are in no version of a subject."""

    def __init__(self):
        self.there, self.soft, self.gone = {}, {}, {}
        self.lock, self.count = threading.Lock(), 0

    def copy(self):
        with self.lock:
            other = Known()
            other.there, other.soft = dict(self.there), dict(self.soft)
            other.gone = {subject: set(texts) for subject, texts in self.gone.items()}
            return other

    def registered(self, subject, version, number, text):
        with self.lock:
            self.count += 1
            self.there[subject, version] = (number, text)

    def deleted(self, subject, version):
        with self.lock:
            self.soft[subject, version] = self.there.pop((subject, version))

    def forget(self, subject, version):
        """From now on its version and its id may be another's."""
        with self.lock:
            self.there.pop((subject, version), None)
            return self.soft.pop((subject, version), None)

    def erased(self, subject, text):
        with self.lock:
            self.gone.setdefault(subject, set()).add(text)


class Load:
    """Clients of all registries, each with its way of writing, and what they were acknowledged."""

    def __init__(self, ports, name, seed):
        self.ports, self.name, self.seed, self.known = ports, name, seed, Known()
        self.over, self.failures = threading.Event(), []
        # What each (subject, version) and id was acknowledged for, as long as it cannot have been given up.
        self.versions, self.ids, self.lock = {}, {}, threading.Lock()
        # What each client is about to delete: a subject or a text.
        self.busy = {}
        self.did = {"deleted softly": 0, "deleted for good": 0, "unknown": 0, "referred to": 0, "reference refused": 0}
        ways = [self.own] * OWN + [self.shared] * 2 + [self.deleting, self.referring]
        self.threads = [threading.Thread(target=self.run, args=(way, place), daemon=True) for place, way in enumerate(ways)]
        for thread in self.threads:
            thread.start()

    def run(self, way, place):
        choice, number = random.Random(f"{self.seed}/{place}"), 0
        try:
            if way == self.shared:
                self.until_known(choice, "PUT", f"/config/{self.name}-shared", {"compatibility": "NONE"})
                # A subject whose last version goes for good takes its configuration along: one stays.
                self.register(choice, f"{self.name}-shared", schema(f"{self.name}-shared-kept"), again=True)
            while not self.over.is_set():
                try:
                    way(choice, place, number)
                except Unknown:
                    self.note("unknown")
                    time.sleep(0.05)
                number += 1
                time.sleep(0.01)
        except Contradiction as error:
            self.failures.append(str(error))

    def settled(self):
        """What was acknowledged and will not be deleted from now on."""
        with self.lock:
            busy = set(self.busy.values())
        known = self.known.copy()
        for entries in (known.there, known.soft):
            for place in [place for place, content in entries.items() if place[0] in busy or content[1] in busy]:
                del entries[place]
        return known

    def will_delete(self, place, what):
        with self.lock:
            self.busy[place] = what

    def note(self, what):
        with self.lock:
            self.did[what] += 1

    def ask(self, choice, method, path, body=None, allowed=(200,)):
        """One request to one of the registries."""
        try:
            status, answer = call(choice.choice(self.ports), method, path, body)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Unknown from error
        if status >= 500:
            raise Unknown
        code = status if status == 200 else answer["error_code"]
        if code not in allowed:
            raise Contradiction(f"{method} {path}: {status} {answer}")
        return code, answer

    def until_known(self, choice, *request):
        """The answer, and whether it is that of the first attempt."""
        first = True
        while True:
            try:
                return self.ask(choice, *request)[1], first
            except Unknown:
                first = False
                if self.over.is_set():
                    raise
                time.sleep(0.05)

    def register(self, choice, subject, text, references=(), again=False, allowed=(200,)):
        """Registers; returns the version, and whether one request was enough. Nothing where it was refused as allowed."""
        body = {"schema": text, **({"references": list(references)} if references else {})}
        path, once = f"/subjects/{subject}/versions", True
        if again:
            answer, once = self.until_known(choice, "POST", path, body)
        else:
            code, answer = self.ask(choice, "POST", path, body, allowed)
            if code != 200:
                return None, once
        version, number = answer["version"], answer["id"]
        with self.lock:
            for what, place, given in (("version", self.versions, (subject, version)), ("id", self.ids, number)):
                if place.setdefault(given, text) != text:
                    raise Contradiction(f"{what} {given} was given to {place[given]} and to {text}")
        self.known.registered(subject, version, number, text)
        return version, once

    def delete(self, choice, subject, version):
        """Softly: the version, or where it is the only one the subject in whole."""
        path = f"/subjects/{subject}/versions/{version}" if version else f"/subjects/{subject}"
        places = [place for place in self.known.copy().there if place[0] == subject and version in (None, place[1])]
        try:
            _, answer = self.ask(choice, "DELETE", path)
        except Unknown:
            for place in places:
                self.known.forget(*place)
            raise
        if sorted(answer if version is None else [answer]) != sorted(number for _, number in places):
            raise Contradiction(f"DELETE {path}: {answer}, but there were {places}")
        for place in places:
            self.known.deleted(*place)
            self.note("deleted softly")

    def erase(self, choice, subject, version, allowed=(200,)):
        """For good what was deleted softly; whether it was done."""
        with self.lock:
            # Before it is asked: as soon as it is done others may be given them, and the answer comes later.
            number, text = self.known.forget(subject, version)
            self.versions.pop((subject, version))
            self.ids.pop(number)
        code, _ = self.ask(choice, "DELETE", f"/subjects/{subject}/versions/{version}?permanent=true", None, allowed)
        if code == 200:
            self.known.erased(subject, text)
            self.note("deleted for good")
        return code == 200

    def own(self, choice, place, number):
        subject = f"{self.name}-{place}-{number}"
        self.register(choice, subject, schema(subject), again=True)

    def shared(self, choice, place, number):
        subject = f"{self.name}-shared"
        text = schema(f"{subject}-{place}-{number}")
        self.will_delete(place, text)
        version, once = self.register(choice, subject, text, again=True)
        if place == OWN and once and number % 4 == 0:
            self.delete(choice, subject, version)
            if choice.random() < 0.7:
                self.erase(choice, subject, version)

    def deleting(self, choice, place, number):
        subject = f"{self.name}-deleted-{number}"
        self.will_delete(place, subject)
        for round in range(choice.randint(1, 4)):
            version, _ = self.register(choice, subject, schema(f"{subject}-{round}"))
            ends = choice.random()
            if ends < 0.1:
                return
            self.delete(choice, subject, choice.choice([version, None]))
            if ends < 0.3:
                return
            self.erase(choice, subject, version)

    def referring(self, choice, place, number):
        base, subject = f"{self.name}-base-{number}", f"{self.name}-ref-{number}"
        self.will_delete(place, base)
        version, _ = self.register(choice, base, schema(base))
        kept = self.known.copy().there[base, version]
        self.delete(choice, base, version)
        named = {"name": base.replace("-", "_"), "subject": base, "version": version}
        text = schema(subject, [{"name": "base", "type": named["name"]}])
        told, late = {}, choice.uniform(0, 0.003)

        def erase():
            time.sleep(late)
            try:
                told["erased"] = self.erase(random.Random(number), base, version, (200, 42206))
            except Unknown:
                self.note("unknown")
            except Contradiction as error:
                self.failures.append(str(error))

        other = threading.Thread(target=erase)
        other.start()
        try:
            referring, _ = self.register(choice, subject, text, [named], allowed=(200, 42201))
            refused = referring is None
        except Unknown:
            referring, refused = None, False
        other.join()
        if refused and told.get("erased") is False:
            raise Contradiction(f"{subject} may not refer to {base}, and {base} may not be deleted: {subject} refers to it")
        if told.get("erased"):
            if referring is not None:
                raise Contradiction(f"{subject} refers to {base}, which was deleted for good")
            # What could not be referred to then cannot be later.
            self.known.erased(subject, text)
            self.note("reference refused")
        elif referring is not None:
            # Whether its deletion was refused or nobody knows of it: what is referred to stays.
            with self.known.lock:
                self.known.soft[base, version] = kept
            self.note("referred to")

    def wait_for(self, more, patience=120):
        wanted, until = self.known.count + more, time.time() + patience
        while self.known.count < wanted:
            if self.failures:
                raise SystemExit(f"{self.name}: {self.failures}")
            if time.time() > until:
                raise SystemExit(f"{self.name}: no {more} more registrations within {patience} s")
            time.sleep(0.02)

    def stop(self):
        self.over.set()
        for thread in self.threads:
            thread.join(60)
        if self.failures:
            raise SystemExit(f"{self.name}: {self.failures}")
