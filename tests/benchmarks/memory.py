"""What ingest holds in memory while a million messages pass through it.

    .venv/bin/python -m tests.benchmarks.memory [--messages 1000000]

The resident set of the real process `anju ingest` is read every half second. Its slope is that of a straight
line through all samples after the first fifth, when the registry, the topics and the buffers are there; what
must be flat is the largest of the last fifth beside the largest of the second.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psycopg

from anju.embedded import postgres
from tests import brokers
from tests.benchmarks import ingest, publisher, sender

#: More than this between the second and the last fifth of a million messages is a leak.
REQUIRED_MIB = 8.0
_EVERY_S = 0.5
_PAGE = os.sysconf("SC_PAGE_SIZE")


def resident(pid: int) -> int:
    """Bytes of a process in memory."""
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * _PAGE


def main() -> None:
    """Measure, and say whether it is flat."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=1_000_000)
    messages = parser.parse_args().messages
    folder = Path(tempfile.mkdtemp(prefix="anju-bench-"))
    folder.chmod(0o755)
    load = ingest.Load(name="memory", messages=messages)
    publisher.write_packets(folder / "packets", ingest.payloads(load))
    server = postgres.start(folder / "postgres")
    broker = brokers.start("mosquitto", folder / "mosquitto")
    samples: list[tuple[int, int]] = []
    try:
        with (
            ingest.database(server) as dsn,
            ingest.ingest(dsn, broker, folder / "ingest.log") as process,
            sender.waiting(broker.port311, folder / "packets") as sending,
            psycopg.connect(dsn, autocommit=True) as watcher,
        ):
            sending.go()
            while not samples or samples[-1][0] < messages:
                time.sleep(_EVERY_S)
                row = watcher.execute(
                    "SELECT coalesce(sum(messages), 0)::bigint FROM ingest_tally"
                ).fetchone()
                assert row is not None
                samples.append((row[0], resident(process.pid)))
    finally:
        broker.stop()
        server.stop()
        shutil.rmtree(folder)
    passed, held = np.array(samples, np.float64).T
    settled = passed >= messages / 5
    slope = float(np.polyfit(passed[settled], held[settled], 1)[0])
    second = held[settled & (passed < 2 * messages / 5)].max(initial=held[settled][0])
    grown_mib = (held[passed >= 4 * messages / 5].max() - second) / 2**20
    for share in (0.2, 0.4, 0.6, 0.8, 1.0):
        at = int(np.argmax(passed >= share * messages))
        print(f"after {int(passed[at]):9,} messages {held[at] / 2**20:6.1f} MiB")
    print(
        f"largest {held.max() / 2**20:.1f} MiB; the last fifth {grown_mib:+.1f} MiB beside the second;"
        f" slope {slope:+.1f} bytes a message ({len(samples)} samples;"
        f" load of the machine {os.getloadavg()[0]:.1f})"
    )
    met = grown_mib <= REQUIRED_MIB
    print(f"\nRequired: at most {REQUIRED_MIB} MiB more. {'Met' if met else 'Missed'}.")
    sys.exit(not met)


if __name__ == "__main__":
    main()
