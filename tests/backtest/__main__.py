"""The back-test: ``python -m tests.backtest [SEED ...]``.

Packs are made from the reference data beside the project and kept, the detectors walk through each in this
process, and the scorer beside the project says what came of it, with the targets and intervals.
"""

import argparse
import json
import tempfile
from pathlib import Path

from anomaly import export
from tests.backtest import plot, scoring
from tests.backtest.packs import SHARED, made
from tests.backtest.running import Stages, leads_of, write

#: Never tuned on; fitting is done on seeds 1 to 9.
SEEDS = (11, 12, 13)


def main() -> int:
    """Print the table; 0 also where there is nothing to test with."""
    parser = argparse.ArgumentParser(prog="python -m tests.backtest", description=__doc__)
    parser.add_argument("seeds", nargs="*", type=int, default=list(SEEDS))
    parser.add_argument("--units", type=int, default=300, help="homes of each pack")
    parser.add_argument("--kind", action="append", dest="kinds", help="only leads of this kind; repeatable")
    parser.add_argument("--leads", type=Path, help="keep the leads in this folder, a file a seed")
    parser.add_argument("--json", type=Path, help="all figures of the scorer, and the reliability")
    parser.add_argument("--plot", type=Path, help="reliability of probabilities, as SVG")
    parser.add_argument("--no-intervals", action="store_true", help="faster")
    asked = parser.parse_args()
    if not SHARED.is_dir():
        print("skipped: the reference data is not in ../shared")
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        keep = asked.leads or Path(scratch)
        keep.mkdir(parents=True, exist_ok=True)
        _run(asked, keep)
    return 0


def _run(asked: argparse.Namespace, keep: Path) -> None:
    stages, packs, files = Stages(), [], []
    for seed in asked.seeds:
        pack = made(seed, asked.units)
        leads = leads_of(pack, stages)
        packs.append(pack)
        files.append(keep / f"leads-{seed}.parquet")
        write(leads, files[-1], asked.kinds or export.KINDS)
        print(f"seed {seed}: {len(leads)} leads", flush=True)
    result = scoring.scorer().score(packs, files, intervals=not asked.no_intervals)
    calibrations = scoring.calibrations(packs, files)
    print("", scoring.scorer().show({**result, "intervals": {}}), "", *scoring.lines(result), sep="\n")
    print("\nreliability of the scores of inspection kinds: said -> right (leads)")
    for kind, (bins, error) in calibrations.items():
        shown = "  ".join(f"{one.said:.2f} -> {one.right:.2f} ({one.leads})" for one in bins)
        print(f"{kind:20} error {error:.3f}  {shown}")
    homes = asked.units * len(packs)
    print(f"\nseconds for a year of {homes} homes, one process:")
    for stage, seconds in stages.seconds.items():
        print(f"  {stage:24} {seconds:7.1f}  {homes / seconds if seconds else float('inf'):8.0f} homes/s")
    if asked.plot:
        shown = [
            (kind, bins, error) for kind, (bins, error) in calibrations.items() if kind.startswith("all")
        ]
        asked.plot.write_text(plot.reliability(shown), encoding="utf-8")
    if asked.json:
        reliability = {
            kind: {"error": error, "bins": [vars(one) for one in bins]}
            for kind, (bins, error) in calibrations.items()
        }
        text = json.dumps({**result, "reliability": reliability, "seconds": stages.seconds}, indent=2)
        asked.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main())
