"""One connection to a broker under test, recording every exchange in a comparable form."""

import re
import socket
import struct
import uuid

# What differs between two brokers by nature: compared only as present or absent.
TIMES = re.compile(r"(TimeMs|Timestamp|timestamp|TimestampMs)$")
PLACES = {"host", "port", "rack", "clusterId", "finalizedFeaturesEpoch", "totalBytes", "usableBytes", "logDir", "size"}


class Closed(Exception):
    """The broker closed the connection."""


class Broker:
    def __init__(self, definitions, address):
        self.definitions, self.address, self.exchanges = definitions, address, []
        self.names, self.correlation, self.socket = {}, 0, None

    def connect(self):
        self.close()
        host, _, port = self.address.rpartition(":")
        self.socket = socket.create_connection((host, int(port)), timeout=15)

    def close(self):
        if self.socket:
            self.socket.close()
        self.socket = None

    def send(self, api, version, body, client="parity"):
        """Sends a request; without a client id when `client` is None."""
        key, flexible = self.definitions.requests[api]["apiKey"], self.definitions.header_is_flexible(api, version)
        self.correlation += 1
        name = struct.pack(">h", -1) if client is None else struct.pack(">h", len(client)) + client.encode()
        header = struct.pack(">hhi", key, version, self.correlation) + name + (b"\0" if flexible else b"")
        self.raw(header + self.definitions.request(api, version, body))

    def raw(self, frame):
        if not self.socket:
            self.connect()
        self.socket.sendall(struct.pack(">i", len(frame)) + frame)

    def receive(self, api, version):
        size, = struct.unpack(">i", self.exactly(4))
        frame = self.exactly(size)
        correlation, = struct.unpack(">i", frame[:4])
        assert correlation == self.correlation, f"answer {correlation} to question {self.correlation}"
        flexible = self.definitions.header_is_flexible(api, version) and api != "ApiVersions"
        return self.definitions.response(api, version, frame[5 if flexible else 4:])

    def exactly(self, count):
        data = b""
        while len(data) < count:
            try:
                more = self.socket.recv(count - len(data))
            except ConnectionResetError:
                more = b""
            if not more:
                self.close()
                raise Closed()
            data += more
        return data

    def ask(self, what, api, version, body, keep=True):
        """Sends, receives, records under the name `what`; a closed connection is an answer too."""
        try:
            self.send(api, version, body)
            answer = self.receive(api, version)
            self.learn(answer)
        except (Closed, BrokenPipeError):
            answer = {"connection": "closed"}
            self.close()
        except TimeoutError:
            answer = {"connection": "no answer"}
            self.close()
        if keep:
            self.exchanges.append((what, api, version, answer))
        return answer

    def ask_namelessly(self, what, api, version, body, shown):
        """Asks without a client id, and records what `shown` makes of the answer."""
        self.send(api, version, body, client=None)
        answer = self.receive(api, version)
        self.exchanges.append((what, api, version, shown(answer)))
        return answer

    def ask_refused(self, api, version):
        """Sends a header in a version that has no body any more: what comes back is recorded as bytes."""
        key, client = self.definitions.requests[api]["apiKey"], b"parity"
        self.correlation += 1
        try:
            self.raw(struct.pack(">hhih", key, version, self.correlation, len(client)) + client)
            size, = struct.unpack(">i", self.exactly(4))
            answer = {"bytes": self.exactly(size)[4:]}
        except (Closed, BrokenPipeError):
            answer = {"connection": "closed"}
        except TimeoutError:
            answer = {"connection": "no answer"}
            self.close()
        self.exchanges.append(("refused version", api, version, answer))

    def quietly(self, api, version, body):
        """Asks without recording: to wait for something."""
        return self.ask("", api, version, body, keep=False)

    def comparable(self):
        return [(what, api, version, self.plain(answer)) for what, api, version, answer in self.exchanges]

    def learn(self, value):
        """Names a topic's id after the topic wherever an answer shows both."""
        for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else []:
            self.learn(one)
        if isinstance(value, dict) and isinstance(value.get("name"), str) and isinstance(value.get("topicId"), uuid.UUID):
            self.names.setdefault(("id", value["topicId"]), f"id of {value['name']}")

    def plain(self, value, name=""):
        if isinstance(value, dict):
            return {key: self.plain(one, key) for key, one in value.items()}
        if isinstance(value, list):
            parts = [self.plain(one, name) for one in value]
            return sorted(parts, key=repr) if name in UNORDERED else parts
        if isinstance(value, str) and name.lower().endswith("message"):
            # Sentences for people are each broker's own; that there is one is part of the protocol.
            return "a message" if value else value
        if isinstance(value, uuid.UUID):
            return "no id" if value.int == 0 else self.alias("id", value)
        if name == "producerId" and value >= 0 or name == "sessionId" and value > 0:
            return self.alias(name, value)
        if name in ("memberId", "leader", "members") and isinstance(value, str) and value:
            return self.alias("member", value)
        if name in PLACES:
            return f"some {name}" if value not in (None, -1, "") else value
        if TIMES.search(name) and isinstance(value, int):
            return "a time" if value > 1_750_000_000_000 else value
        return value

    def alias(self, kind, value):
        return self.names.setdefault((kind, value), f"{kind} {sum(1 for known in self.names if known[0] == kind)}")


# Lists whose order carries no meaning.
UNORDERED = {"apiKeys", "topics", "groups", "members", "configs", "synonyms", "supportedFeatures", "finalizedFeatures", "brokers",
             "configResources", "results", "responses", "errorTopics", "partitions"}
