"""A demo of a few homes, quick enough for every run."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from anju import demo

SAMPLE = Path(demo.__file__).parent / "data"
#: A long vacancy, a leak-like run, and a home of neither.
WATER = (10, 50, 70)
ELECTRICITY = (39, 236, 253)


@pytest.fixture(scope="session")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three households of each kind."""
    folder = tmp_path_factory.mktemp("few")
    for name, numbers in (("electricity", ELECTRICITY), ("water", WATER), ("water_households", WATER)):
        table = pq.read_table(SAMPLE / f"{name}.parquet")
        chosen = pc.is_in(table["household"], pa.array(numbers, pa.int32()))
        pq.write_table(table.filter(chosen), folder / f"{name}.parquet")
    return folder
