"""Published payloads through the parsers and mappings of ingest."""

import gzip
import json
from collections import Counter
from pathlib import Path
from time import process_time

import pytest
from typer.testing import CliRunner

from anju.cli import app
from anju.conformance import DECODED, FAILED, OUT_OF_SCOPE, Outcome, run
from anju.errors import AnjuError
from devices.scope import Scope
from ingest.limits import Limits, limits_of
from policy.book import cities, load
from wire.channels import BY_NAME
from wire.events import EventType
from wire.reasons import Reason

FIXTURE = Path(__file__).parents[1] / "devices" / "payloads" / "chirpstack" / "published.jsonl"
PUBLISHED = [json.loads(line) for line in FIXTURE.read_text(encoding="utf-8").splitlines()]

#: By model: readings and events; an empty pair is out of scope.
WANTED: dict[str, tuple[dict[str, float], dict[str, float | None]]] = {
    "em300-sld-zld": ({}, {"water_leak": 1}),
    "rak_standard": ({}, {"motion": 0}),
    "dsmr": ({"power_w": 1_100, "voltage_v": 230}, {}),
    "em2101": ({"current_a": 5, "voltage_v": 230}, {}),
    "em4301": ({"power_w": 6_000}, {}),
    "Flood Sensor": ({"battery_pct": 100, "temperature_c": 29}, {"water_leak": 1}),
    "Door/Window Sensor": ({"battery_v": 3.6}, {"door_closed": None}),
    "Motion Sensor": ({"battery_v": 3.6}, {"motion": 1}),
    "Water Leak Sensor": ({"battery_v": 3.6, "humidity_pct": 40, "temperature_c": 22}, {"water_leak": 1}),
    "LDS01": ({"battery_v": 2.952}, {"door_closed": None}),
    "LSN50-V2": ({"battery_v": 2.9, "humidity_pct": 51.7, "temperature_c": 25.2}, {"door_opened": None}),
}


@pytest.fixture(scope="module")
def limits() -> Limits:
    book = load(cities()[0].code)
    return limits_of(book.on(book.first_day).ingest)


def outcomes(tmp_path: Path, limits: Limits, *lines: str) -> list[Outcome]:
    file = tmp_path / "records.jsonl"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return list(run(file, limits))


def test_published_payloads_are_what_a_person_reads_in_them(limits: Limits) -> None:
    for record, outcome in zip(PUBLISHED, run(FIXTURE, limits), strict=True):
        wanted = WANTED.get(record["model"][0])
        if wanted is not None:
            readings = {str(one["ch"]): one["v"] for one in outcome.readings}
            events = {str(one["type"]): one.get("value") for one in outcome.events}
            assert (readings, events) == wanted, record["model"]


def test_every_published_payload_has_its_status(limits: Limits) -> None:
    found = Counter((one.status, one.reason) for one in run(FIXTURE, limits))
    assert found == {
        (DECODED, None): 19,
        (OUT_OF_SCOPE, Scope.no_present_total): 1,
        (OUT_OF_SCOPE, Scope.parking): 1,
        (OUT_OF_SCOPE, Scope.configuration): 1,
    }


def test_a_record_without_a_time_has_none_and_one_with_a_time_that(tmp_path: Path, limits: Limits) -> None:
    record = {"input": {"bytes_hex": "00", "f_port": 1}, "expected": {"data": {"temperature": 21}}}
    timed = {**record, "input": {**record["input"], "recv_time": "2026-11-24T08:00:00.000+00:00"}}
    one, two = outcomes(tmp_path, limits, json.dumps(record), json.dumps(timed))
    assert [reading["at"] for reading in (*one.readings, *two.readings)] == [None, "2026-11-24T08:00:00Z"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("", Reason.invalid_json),
        ("{", Reason.invalid_json),
        ("[" * 100_000, Reason.invalid_json),
        ("null", Reason.invalid_shape),
        ("{}", Reason.invalid_shape),
        ('{"input": {"bytes_hex": "00"}}', Reason.invalid_shape),
        ('{"input": {"colour": 1}, "expected": {}}', Reason.invalid_shape),
        ('{"input": {"telegram_hex": "00"}, "expected": {}}', Reason.invalid_shape),
        ('{"input": {"bytes_hex": "0", "f_port": "x"}, "expected": {"data": null}}', Reason.nothing_known),
        (
            '{"input": {"bytes_hex": "00", "recv_time": "x"}, "expected": {"data": {"a": 1}}}',
            Reason.invalid_time,
        ),
    ],
)
def test_a_line_that_is_no_record_fails_by_name(
    tmp_path: Path, limits: Limits, line: str, reason: Reason
) -> None:
    (outcome, _) = outcomes(tmp_path, limits, line, json.dumps(PUBLISHED[0]))
    assert (outcome.status, outcome.reason) == (FAILED, reason)


def test_what_its_own_decoder_could_not_read_is_out_of_scope(tmp_path: Path, limits: Limits) -> None:
    line = '{"input": {"bytes_hex": "00", "f_port": 9}, "expected": {"errors": ["unknown FPort"]}}'
    (outcome,) = outcomes(tmp_path, limits, line)
    assert (outcome.status, outcome.reason) == (OUT_OF_SCOPE, Scope.decoder_errors)


def test_what_its_own_decoder_made_nothing_of_is_out_of_scope(tmp_path: Path, limits: Limits) -> None:
    line = '{"input": {"bytes_hex": "00", "f_port": 9}, "expected": {"data": {}, "errors": []}}'
    (outcome,) = outcomes(tmp_path, limits, line)
    assert (outcome.status, outcome.reason) == (OUT_OF_SCOPE, Scope.decoder_errors)


def test_a_number_that_is_none_is_nothing(tmp_path: Path, limits: Limits) -> None:
    line = '{"input": {"bytes_hex": "00"}, "expected": {"data": {"humidity": NaN, "temperature": 21}}}'
    (outcome,) = outcomes(tmp_path, limits, line)
    assert [(reading["ch"], reading["v"]) for reading in outcome.readings] == [("temperature_c", 21)]


def test_fields_whose_names_mean_nothing_are_unclear(tmp_path: Path, limits: Limits) -> None:
    line = '{"input": {"bytes_hex": "00", "f_port": 9}, "expected": {"data": {"zz": "blue"}}}'
    (outcome,) = outcomes(tmp_path, limits, line)
    assert (outcome.status, outcome.reason) == (OUT_OF_SCOPE, Scope.unclear_state)


def test_a_value_that_ingest_would_refuse_is_none(tmp_path: Path, limits: Limits) -> None:
    line = json.dumps(
        {"input": {"bytes_hex": "00"}, "expected": {"data": {"temperature": {"value": 999, "unit": "C"}}}}
    )
    (outcome,) = outcomes(tmp_path, limits, line)
    assert (outcome.status, outcome.reason) == (FAILED, Reason.value_out_of_range)


def test_the_command_prints_one_object_a_record(tmp_path: Path) -> None:
    packed = tmp_path / "records.jsonl.gz"
    packed.write_bytes(gzip.compress(FIXTURE.read_bytes()))
    result = CliRunner().invoke(app, ["devices", "conformance", str(packed), "--json"])
    printed = [json.loads(line) for line in result.output.splitlines()]
    assert result.exit_code == 0
    assert [one["index"] for one in printed] == list(range(len(PUBLISHED)))
    assert all(list(one) == ["index", "status", "readings", "events", "reason"] for one in printed)


def test_a_packed_file_that_breaks_off_is_told_in_one_line(tmp_path: Path, limits: Limits) -> None:
    packed = tmp_path / "records.jsonl.gz"
    packed.write_bytes(gzip.compress(FIXTURE.read_bytes())[:-20])
    with pytest.raises(AnjuError, match="cannot be read"):
        list(run(packed, limits))


def test_the_command_sums_up_by_source_and_by_reason() -> None:
    result = CliRunner().invoke(app, ["devices", "conformance", str(FIXTURE)])
    assert result.exit_code == 0
    assert "parking" in result.output


@pytest.mark.parametrize("option", [(), ("--json",)])
def test_what_failed_is_the_exit_code_and_a_broken_line_has_its_number(
    tmp_path: Path, option: tuple[str, ...]
) -> None:
    file = tmp_path / "records.jsonl"
    lines = FIXTURE.read_text(encoding="utf-8").splitlines()[:2]
    file.write_text("\n".join([lines[0], "{", lines[1], "{}"]), encoding="utf-8")
    result = CliRunner().invoke(app, ["devices", "conformance", str(file), *option])
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        f"{file}, line 2: no record: invalid_json",
        f"{file}, line 4: no record: invalid_shape",
    ]
    file.write_text("\n".join(lines), encoding="utf-8")
    sound = CliRunner().invoke(app, ["devices", "conformance", str(file), *option])
    assert (sound.exit_code, sound.stderr) == (0, "")


def test_a_file_without_a_record_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("nothing\n{}\n")
    refused = CliRunner().invoke(app, ["devices", "conformance", str(file)])
    assert isinstance(refused.exception, AnjuError)
    assert refused.exit_code == 1


def test_the_development_payloads_are_taken(shared: Path, limits: Limits) -> None:
    began = process_time()
    found = list(run(shared / "data" / "payloads_dev.jsonl.gz", limits))
    assert process_time() - began < 10
    statuses = Counter(one.status for one in found)
    assert statuses[FAILED] == 0
    assert statuses[OUT_OF_SCOPE] <= 0.2 * len(found)
    assert all(one.reason in set(Scope) for one in found if one.status == OUT_OF_SCOPE)
    assert {str(reading["ch"]) for one in found for reading in one.readings} <= BY_NAME.keys()
    assert {str(event["type"]) for one in found for event in one.events} <= EventType.__members__.keys()
