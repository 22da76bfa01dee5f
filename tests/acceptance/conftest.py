"""Whole stacks, started as a person would."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.live import LiveStack


@pytest.fixture(scope="session")
def place(open_folder: Path) -> Path:
    """A folder that every account can enter."""
    folder = open_folder / "acceptance"
    folder.mkdir()
    return folder


@pytest.fixture(scope="session")
def live(place: Path) -> Iterator[LiveStack]:
    """A running stack, shared by tests that leave it running."""
    data_dir = place / "shared"
    data_dir.mkdir()
    with LiveStack(data_dir) as stack:
        yield stack
        assert stack.stop() == 0
