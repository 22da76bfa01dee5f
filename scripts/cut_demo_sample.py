"""Cut the demo's sample from the reference data: for maintainers; the result is checked in.

    .venv/bin/python scripts/cut_demo_sample.py ../shared/data [anju/demo/data]

Which households: those that the rules of `anju.demo.plan` choose on any weekday. All their rows are kept;
columns that the demo does not read are dropped. The same input gives the same rows.
"""

import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from anju.demo import households, plan

#: All files together, by the demo's own promise.
LIMIT_BYTES = 2_000_000
#: (source, result, columns kept, values that repeat so often that a dictionary is the smaller)
FILES = (
    ("electricity_lcl_halfhourly.parquet", "electricity.parquet", ["household", "ts", "kwh"], ["kwh"]),
    ("water_daiad_hourly.parquet", "water.parquet", ["household", "ts", "reading_l"], []),
    ("water_daiad_households.parquet", "water_households.parquet", ["household", "occupants"], []),
)


def main() -> None:
    """Cut, write, and refuse a result that is too large."""
    source = Path(sys.argv[1])
    target = Path(sys.argv[2]) if len(sys.argv) > 2 else Path("anju/demo/data")
    everybody = households.read(source)
    electricity: set[int] = set()
    water: set[int] = set()
    for anchor in range(7):
        for home in plan.make(everybody, anchor):
            if home.electricity is not None and home.water is not None:
                electricity.add(home.electricity.household)
                water.add(home.water.household)
    total = 0
    for name, result, columns, repeating in FILES:
        numbers = electricity if name.startswith("electricity") else water
        table = pq.read_table(source / name, columns=columns)
        chosen = table.filter(pc.is_in(table["household"], pa.array(sorted(numbers), pa.int32())))
        if "reading_l" in columns:
            chosen = chosen.set_column(2, "reading_l", chosen["reading_l"].cast(pa.int32()))
        order = [("household", "ascending"), *([("ts", "ascending")] if "ts" in columns else [])]
        encodings = {c: "DELTA_BINARY_PACKED" for c in ("ts", "reading_l") if c in columns}
        pq.write_table(
            chosen.sort_by(order).replace_schema_metadata(None),
            target / result,
            compression="zstd",
            compression_level=19,
            use_dictionary=["household", *repeating],
            column_encoding=encodings,
        )
        size = (target / result).stat().st_size
        total += size
        print(f"{result}: {len(numbers)} households, {chosen.num_rows:,} rows, {size:,} bytes")
    if total > LIMIT_BYTES:
        raise SystemExit(f"{total:,} bytes: more than {LIMIT_BYTES:,}")
    print(f"{total:,} bytes")


if __name__ == "__main__":
    main()
