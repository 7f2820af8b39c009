"""Runs the functions of one client's script in order and says for each whether it held."""

import inspect
import sys
import time
import traceback
import uuid

BOOTSTRAP = sys.argv[1]
CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]


def topic(name):
    """A topic's name that no earlier run has used."""
    return f"{name}-{uuid.uuid4().hex[:8]}"


def until(what, condition, seconds=60):
    """Waits for a condition; a hang is a failure that says what was waited for."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"waited {seconds} s for {what}")


def run(client, checks):
    failed = 0
    for check in checks:
        try:
            result = check()
            if inspect.isawaitable(result):
                import asyncio
                asyncio.run(result)
            print(f"ok {client} {check.__name__}", flush=True)
        except Exception:  # noqa: BLE001: whatever a client throws is a failure to report
            failed += 1
            print(f"not ok {client} {check.__name__}", flush=True)
            traceback.print_exc()
    print(f"{client}: {len(checks) - failed} passed, {failed} failed", flush=True)
    sys.exit(1 if failed else 0)
