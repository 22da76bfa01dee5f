"""The command `anju replay`; what it does to the tables: tests/integration/ingest/test_replay.py."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from anju import cli
from anju.errors import AnjuError
from devices.decoders import native
from ingest.errors import IngestError
from storage.pool import connect
from tests.integration.ingest.conftest import event, make_pipeline, make_site, reading

Anju = Callable[..., str]


@pytest.fixture
def anju(dsn: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Anju:
    clock = tmp_path / "now"
    clock.write_text("2026-11-24T12:00:00Z")
    for name, value in {
        "ANJU_DATABASE_URL": dsn,
        "ANJU_DATA_DIR": str(tmp_path),
        "ANJU_NOW_FILE": str(clock),
        "ANJU_MQTT_BOUND": "hm/v1/+/#",
    }.items():
        monkeypatch.setenv(name, value)
    with connect(dsn, name="test") as connection:
        make_site(connection)
        make_pipeline(connection).store([reading(5), event(seq=2)])

    def run(*arguments: str) -> str:
        found = CliRunner().invoke(cli.app, ["replay", *arguments], catch_exceptions=False)
        assert found.exit_code == 0, found.output
        return found.stdout

    return run


def test_it_says_what_would_change_then_changes_it(anju: Anju, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "DECODER", 102)
    assert anju("--since", "2026-11-24", "--dry-run") == (
        "2 messages of 1 blocks: 2 rows would be archived, 2 would be written, 0 would be released from"
        " quarantine, 0 would be taken into it, 2 days would be derived again\n"
    )
    done = json.loads(anju("--since", "2026-11-24T09:00:00+08:00", "--json"))
    assert (done["replaced"], done["written"], done["done"]) == (2, 2, True)
    assert json.loads(anju("--since", "2026-11-24", "--json"))["replaced"] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--since", "yesterday"], "--since yesterday: not a time like"),
        (
            ["--since", "2026-11-24T08:00", "--until", "2026-11-24T00:00Z"],
            "--until 2026-11-24 08:00 \\+08:00 is not after --since 2026-11-24 08:00 \\+08:00",
        ),
        (["--since", "2026-11-24", "--until", "2026-11-23"], "is not after --since"),
        (["--since", "2026-11-24", "--reason", "unknown_device"], "--reason goes with --quarantined"),
    ],
)
def test_what_cannot_be_done_says_why(anju: Anju, arguments: list[str], message: str) -> None:
    with pytest.raises(AnjuError, match=message):
        anju(*arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--since", "2026-11-24", "--until", "2026-11-23"),
        ("--since", "2026-11-24", "--device", "nowhere"),
        ("--since", "2026-11-24", "--decoder", "morse"),
    ],
)
def test_nothing_is_drawn_before_a_refusal(anju: Anju, arguments: tuple[str, ...]) -> None:
    found = CliRunner().invoke(cli.app, ["replay", *arguments])
    assert isinstance(found.exception, AnjuError | IngestError)
    assert found.output == ""
    assert "blocks decoded" in CliRunner().invoke(cli.app, ["replay", "--since", "2026-11-24"]).stderr


def test_without_bound_topics_it_asks_whether_that_is_meant(
    anju: Anju, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ANJU_MQTT_BOUND")
    with pytest.raises(AnjuError, match="ANJU_MQTT_BOUND is not set"):
        anju("--since", "2026-11-24")
    assert json.loads(anju("--since", "2026-11-24", "--unproven", "--json"))["replaced"] == 2
