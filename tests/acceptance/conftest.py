"""Whole stacks, started as a person would."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.live import LiveStack


@pytest.fixture(scope="session")
def place() -> Iterator[Path]:
    """A folder on disk that every account can enter."""
    folder = Path(tempfile.mkdtemp(prefix="anju-acceptance-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def live(place: Path) -> Iterator[LiveStack]:
    """A running stack, shared by tests that leave it running."""
    data_dir = place / "shared"
    data_dir.mkdir()
    stack = LiveStack(data_dir).start()
    yield stack
    assert stack.stop() == 0
