"""Kafka's messages as dictionaries, laid out by the definitions inside the kafka-clients jar.

Independent of Mekong's own codec on purpose: two readings of the same definitions must agree on the wire.
"""

import json
import pathlib
import re
import struct
import uuid

FIXED = {"bool": ">?", "int8": ">b", "int16": ">h", "uint16": ">H", "int32": ">i", "uint32": ">I", "int64": ">q", "float64": ">d"}


def versions(text):
    """'3-5', '3+', '7' or 'none' as a range of numbers."""
    if not text or text == "none":
        return range(0)
    if text.endswith("+"):
        return range(int(text[:-1]), 1 << 15)
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def lower(fields):
    """The definitions write ErrorCode; errorCode reads better in a script."""
    for field in fields:
        field["name"] = field["name"][0].lower() + field["name"][1:]
        lower(field.get("fields", []))


class Definitions:
    def __init__(self, folder):
        self.requests, self.responses = {}, {}
        for path in sorted(pathlib.Path(folder).glob("*.json")):
            message = json.loads(re.sub(r"^\s*//.*$", "", path.read_text(), flags=re.M))
            target = {"request": self.requests, "response": self.responses}.get(message.get("type"))
            if target is not None:
                lower(message.get("fields", []))
                for common in message.get("commonStructs", []):
                    lower(common["fields"])
                message["structs"] = {s["name"]: s["fields"] for s in message.get("commonStructs", [])}
                message["flexible"] = versions(message.get("flexibleVersions"))
                message["valid"] = versions(message.get("validVersions"))
                target[message["name"].removesuffix("Request").removesuffix("Response")] = message
        self.names = {message["apiKey"]: name for name, message in self.requests.items()}

    def request(self, api, version, body):
        message = self.requests[api]
        return Writer(message, version).fields(message["fields"], body)

    def response(self, api, version, data):
        message = self.responses[api]
        reader = Reader(message, version, data)
        body = reader.fields(message["fields"])
        assert reader.at == len(data), f"{api} v{version}: {len(data) - reader.at} bytes too many"
        return body

    def header_is_flexible(self, api, version):
        return version in self.requests[api]["flexible"]


class Layout:
    def __init__(self, message, version):
        self.version, self.flexible, self.structs = version, version in message["flexible"], message["structs"]

    def split(self, fields):
        """The fields of this version: those in place, and those in the tagged section."""
        plain, tagged = [], []
        for field in fields:
            if self.version not in versions(field["versions"]):
                continue
            is_tagged = "tag" in field and self.version in versions(field.get("taggedVersions"))
            (tagged if is_tagged else plain).append(field)
        return plain, tagged

    def children(self, field, kind):
        return field.get("fields") or self.structs[kind]

    def nullable(self, field):
        return self.version in versions(field.get("nullableVersions"))

    def compact(self, field):
        if field.get("flexibleVersions") is not None:
            return self.version in versions(field["flexibleVersions"])
        return self.flexible


def default(field):
    kind, given = field["type"], field.get("default")
    if given == "null":
        return None
    if kind == "bool":
        return str(given).lower() == "true"
    if kind in FIXED:
        return float(given or 0) if kind == "float64" else int(str(given or 0), 0)
    if kind == "uuid":
        return uuid.UUID(int=0)
    if kind == "string":
        return given or ""
    if kind in ("bytes", "records"):
        return b"" if kind == "bytes" else None
    return [] if kind.startswith("[]") else {}


class Writer(Layout):
    def fields(self, fields, body):
        unknown = set(body) - {field["name"] for field in fields}
        assert not unknown, f"no such fields: {unknown}"
        plain, tagged = self.split(fields)
        out = b"".join(self.value(field, field["type"], body.get(field["name"], default(field))) for field in plain)
        if self.flexible:
            present = [field for field in tagged if body.get(field["name"], default(field)) != default(field)]
            out += varint(len(present))
            for field in sorted(present, key=lambda field: field["tag"]):
                data = self.value(field, field["type"], body[field["name"]])
                out += varint(field["tag"]) + varint(len(data)) + data
        return out

    def value(self, field, kind, value):
        if kind in FIXED:
            return struct.pack(FIXED[kind], value)
        if kind == "uuid":
            return value.bytes
        if kind.startswith("[]"):
            if value is None:
                return self.count(field, None, ">i")
            return self.count(field, len(value), ">i") + b"".join(self.value({**field, "nullableVersions": None}, kind[2:], one) for one in value)
        if kind == "string":
            data = None if value is None else value.encode()
            return self.count(field, None if data is None else len(data), ">h") + (data or b"")
        if kind in ("bytes", "records"):
            return self.count(field, None if value is None else len(value), ">i") + (value or b"")
        if self.nullable(field):
            return b"\xff" if value is None else b"\x01" + self.fields(self.children(field, kind), value)
        return self.fields(self.children(field, kind), value)

    def count(self, field, count, fixed):
        if self.compact(field):
            return varint(0 if count is None else count + 1)
        return struct.pack(fixed, -1 if count is None else count)


class Reader(Layout):
    def __init__(self, message, version, data):
        super().__init__(message, version)
        self.data, self.at = data, 0

    def take(self, count):
        assert 0 <= count <= len(self.data) - self.at, f"{count} bytes wanted, {len(self.data) - self.at} left"
        self.at += count
        return self.data[self.at - count:self.at]

    def varint(self):
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def fields(self, fields):
        plain, tagged = self.split(fields)
        body = {field["name"]: self.value(field, field["type"]) for field in plain}
        body.update({field["name"]: default(field) for field in tagged})
        if self.flexible:
            known = {field["tag"]: field for field in tagged}
            for _ in range(self.varint()):
                tag, size = self.varint(), self.varint()
                end = self.at + size
                if tag in known:
                    body[known[tag]["name"]] = self.value(known[tag], known[tag]["type"])
                    assert self.at == end, f"tag {tag} has another length than its value"
                else:
                    body[f"tag {tag}"] = self.take(size)
        return body

    def value(self, field, kind):
        if kind in FIXED:
            return struct.unpack(FIXED[kind], self.take(struct.calcsize(FIXED[kind])))[0]
        if kind == "uuid":
            return uuid.UUID(bytes=self.take(16))
        if kind.startswith("[]"):
            count = self.count(field, ">i")
            return None if count is None else [self.value({**field, "nullableVersions": None}, kind[2:]) for _ in range(count)]
        if kind == "string":
            count = self.count(field, ">h")
            return None if count is None else self.take(count).decode()
        if kind in ("bytes", "records"):
            count = self.count(field, ">i")
            return None if count is None else self.take(count)
        if self.nullable(field) and struct.unpack(">b", self.take(1))[0] < 0:
            return None
        return self.fields(self.children(field, kind))

    def count(self, field, fixed):
        if self.compact(field):
            count = self.varint() - 1
        else:
            count, = struct.unpack(fixed, self.take(struct.calcsize(fixed)))
        return None if count < 0 else count


def varint(value):
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def zigzag(value):
    return varint(value << 1 if value >= 0 else (-value << 1) - 1)


TABLE = []
for _byte in range(256):
    for _ in range(8):
        _byte = _byte >> 1 ^ 0x82F63B78 if _byte & 1 else _byte >> 1
    TABLE.append(_byte)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def batch(values, *, base_offset=0, producer=-1, epoch=-1, sequence=-1, attributes=0, timestamp=1_700_000_000_000, step=1,
          magic=2, crc=None, count=None, last_delta=None, key=None, headers=()):
    """A record batch v2 (KIP-98); every field can be made wrong."""
    records = b""
    for delta, value in enumerate(values):
        body = b"\0" + zigzag(delta * step) + zigzag(delta)
        for part in (key, value):
            body += zigzag(-1) if part is None else zigzag(len(part)) + part
        body += zigzag(len(headers)) + b"".join(zigzag(len(k)) + k + zigzag(len(v)) + v for k, v in headers)
        records += zigzag(len(body)) + body
    last = len(values) - 1 if last_delta is None else last_delta
    tail = struct.pack(">hiqqqhii", attributes, last, timestamp, timestamp + max(len(values) - 1, 0) * step, producer, epoch,
                       sequence, len(values) if count is None else count) + records
    checked = crc32c(tail) if crc is None else crc
    inner = struct.pack(">ibI", -1, magic, checked) + tail
    return struct.pack(">qi", base_offset, len(inner)) + inner
