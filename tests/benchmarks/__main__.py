"""All measurements, one after the other: ``python -m tests.benchmarks``.

A measurement is a module here that can be run by itself; its own options are its own.
"""

import subprocess
import sys
from importlib.util import find_spec

#: In this order; one whose module is not there is left out.
MEASUREMENTS = {
    "ingest": "durable messages through broker, ingest and database",
    "peers": "the same beside mq-bridge and Node-RED",
    "memory": "what ingest holds while a million messages pass",
    "usage": "consumption derived from stored readings",
    "watch": "conditions and alerts of 100,000 devices",
    "bytes": "what a home takes on disk in a year",
    "city": "one day of 100,000 homes",
    "sweep": "an evening of all homes, judged from the database",
}


def present() -> list[str]:
    """The measurements that there are."""
    return [name for name in MEASUREMENTS if find_spec(_module(name)) is not None]


def main() -> int:
    """Run them; answers 1 when one of them missed what is required of it."""
    failed = []
    for name in present():
        print(f"\n=== {name}: {MEASUREMENTS[name]}\n", flush=True)
        if subprocess.run([sys.executable, "-m", _module(name)], check=False).returncode:
            failed.append(name)
    print(f"\n{'failed: ' + ', '.join(failed) if failed else 'all done'}", flush=True)
    return int(bool(failed))


def _module(name: str) -> str:
    return f"tests.benchmarks.{name}"


if __name__ == "__main__":
    sys.exit(main())
