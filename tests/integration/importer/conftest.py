"""An operator's folder, and a back-test pack made from the reference data."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "example-estate"


class Silent:
    """Nobody is told how far it got."""

    def begin(self, stage: str, total: int) -> None:
        pass

    def advance(self, by: int) -> None:
        pass


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the example estate, to be changed by the test."""
    return Path(shutil.copytree(EXAMPLE, tmp_path / "estate"))


@pytest.fixture(scope="session")
def pack(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pack of a dozen homes."""
    out = tmp_path_factory.mktemp("pack") / "pack"
    made = [shared / "backtest" / "make_pack.py", "--data", shared / "data", "--out", out]
    subprocess.run([sys.executable, *made, "--seed", "7", "--units", "12"], check=True)
    return out
