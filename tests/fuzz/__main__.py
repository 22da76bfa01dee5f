"""Throw bytes at every decoder, guided by what they reach: ``make fuzz SECONDS=60 DECODERS="dlt645 native"``.

Each decoder runs in a process of its own, from the payloads that the tests have of real devices. A finding is
an exception that is no `DecodeError`, a call of more than two seconds, or memory without bound; its bytes are
left in `.anju/fuzz/` and belong into a test.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from devices.formats import FORMATS
from tests.fuzz.seeds import NATIVE, seeds

_EXECUTED = re.compile(rb"stat::number_of_executed_units:\s*(\d+)")
_FOUND = re.compile(rb"Test unit written to (\S+)")
#: A decoder that takes longer hangs.
_GRACE_S = 60


def main() -> int:
    """Fuzz what is asked for; 1 if there is a finding."""
    asked = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    asked.add_argument("decoders", nargs="*", default=[NATIVE, *FORMATS], metavar="DECODER")
    asked.add_argument("--seconds", type=int, default=60, help="for each decoder")
    asked.add_argument("--findings", type=Path, default=Path(".anju/fuzz"))
    told = asked.parse_args()
    told.findings.mkdir(parents=True, exist_ok=True)
    found = [run(name, seconds=told.seconds, findings=told.findings) for name in told.decoders]
    return 1 if any(found) else 0


def run(name: str, *, seconds: int, findings: Path) -> bool:
    """Fuzz one decoder; says whether there is a finding."""
    with tempfile.TemporaryDirectory() as folder:
        for number, seed in enumerate(seeds()):
            # The last byte is not payload: it says how it comes.
            (Path(folder) / f"{number:04d}").write_bytes(seed + bytes([number % 256]))
        command = [
            *(sys.executable, "-m", "tests.fuzz.target", name, folder),
            *(f"-max_total_time={seconds}", "-timeout=2", "-rss_limit_mb=1024", "-max_len=8192"),
            *("-print_final_stats=1", f"-artifact_prefix={findings}/{name}-"),
        ]
        try:
            ended = subprocess.run(command, capture_output=True, check=False, timeout=seconds + _GRACE_S)
        except subprocess.TimeoutExpired:
            print(f"{name:16} hangs")
            return True
    executed = _EXECUTED.search(ended.stderr)
    wrote = _FOUND.search(ended.stderr)
    count = int(executed[1]) if executed else 0
    if ended.returncode == 0 and wrote is None:
        print(f"{name:16} {count:>9,} executions, no finding", flush=True)
        return False
    where = wrote[1].decode() if wrote else "nothing was written"
    print(f"{name:16} {count:>9,} executions, FINDING: {where}", flush=True)
    print(ended.stderr.decode(errors="replace")[-4000:] or ended.stdout.decode(errors="replace")[-4000:])
    return True


if __name__ == "__main__":
    sys.exit(main())
