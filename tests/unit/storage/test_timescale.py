import pytest

from storage.timescale import Capabilities


@pytest.mark.parametrize(
    ("installed", "licence", "hypertables", "columnstore", "words"),
    [
        (None, "", False, False, "plain PostgreSQL"),
        ("2.29.2", "timescale", True, True, "TimescaleDB 2.29.2 (licence timescale), with columnstore"),
        (
            "2.23.0-dev",
            "timescale",
            True,
            True,
            "TimescaleDB 2.23.0-dev (licence timescale), with columnstore",
        ),
        # Debian and some clouds build without the part under the vendor's own licence
        ("2.29.2", "apache", True, False, "TimescaleDB 2.29.2 (licence apache), without columnstore"),
        # the files are there and the server has not loaded them
        ("2.29.2", "", True, False, "TimescaleDB 2.29.2 (licence unknown), without columnstore"),
        ("2.9.3", "timescale", False, False, "plain tables: TimescaleDB 2.9.3 is older than 2.18"),
        ("3.0.0", "timescale", True, True, "TimescaleDB 3.0.0 (licence timescale), with columnstore"),
    ],
)
def test_what_a_database_can_do_follows_from_version_and_licence(
    installed: str | None, licence: str, *, hypertables: bool, columnstore: bool, words: str
) -> None:
    found = Capabilities(available="2.29.2", installed=installed, licence=licence)
    assert (found.hypertables, found.columnstore, str(found)) == (hypertables, columnstore, words)
