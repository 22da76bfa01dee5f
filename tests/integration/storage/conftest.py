"""A TimescaleDB a run, an empty database a test. One backend for all: the tests are one group of xdist."""

from collections.abc import Iterator

import pytest

from tests.conftest import missing
from tests.timescale import server


@pytest.fixture(scope="session")
def timescale_server() -> Iterator[str]:
    """The address of the server; without one the tests are skipped, in CI they fail."""
    try:
        with server.server() as dsn:
            yield dsn
    except server.TimescaleMissing as error:
        missing(str(error))


@pytest.fixture
def timescale(timescale_server: str) -> Iterator[str]:
    """The address of an empty database, with the extension at hand."""
    with server.database(timescale_server) as dsn:
        yield dsn
