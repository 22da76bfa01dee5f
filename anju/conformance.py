"""Published decoder results, sent the way they would come in reality, and what Anju makes of each.

A LoRaWAN record becomes the uplink that ChirpStack publishes, a wireless M-Bus one the JSON of wmbusmeters.
Both are taken apart and mapped by what ingest itself uses, under the profiles for any device of these kinds.
"""

import base64
import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import cast

from anju.errors import AnjuError
from devices import mapping
from devices.decoders.elements import DecodedEvent, Element
from devices.decoders.reports import DecodeError
from devices.formats import FORMATS
from devices.profiles import load_profiles
from devices.scope import Scope
from ingest.limits import Limits
from wire.channels import BY_CODE
from wire.events import EventType
from wire.instants import from_us
from wire.reasons import Reason

DECODED, OUT_OF_SCOPE, FAILED = "decoded", "out_of_scope", "failed"

_SCOPES = frozenset(Scope)
_GZIP = b"\x1f\x8b"
_EUI = "0000000000000000"
_UPLINK = f"application/conformance/device/{_EUI}/event/up"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one record."""

    #: Its line, from 0.
    index: int
    #: Who published it, as it says.
    source: str
    #: Of Anju's formats; "": none that it could be.
    format: str
    status: str
    readings: tuple[dict[str, object], ...] = ()
    events: tuple[dict[str, object], ...] = ()
    #: A code of `devices.scope` or `wire.reasons`.
    reason: str | None = None

    def as_json(self) -> dict[str, object]:
        """As the command prints it."""
        return {
            "index": self.index,
            "status": self.status,
            "readings": list(self.readings),
            "events": list(self.events),
            "reason": self.reason,
        }


@dataclass(frozen=True, kw_only=True)
class _Sent:
    format: str
    profile: str
    topic: str
    payload: bytes


def run(file: Path, limits: Limits) -> Iterator[Outcome]:
    """Take a file of records, one JSON object a line, plain or gzipped; a bad line is a failed record.

    Raises
    ------
    AnjuError
        The file cannot be read to its end.
    """
    try:
        with file.open("rb") as plain:
            packed = plain.read(len(_GZIP)) == _GZIP
        with gzip.open(file) if packed else file.open("rb") as lines:
            for index, line in enumerate(lines):
                yield _outcome(index, line, limits)
    except (OSError, EOFError, zlib.error) as error:
        raise AnjuError(f"{file} cannot be read: {error}") from error


def _outcome(index: int, line: bytes, limits: Limits) -> Outcome:
    try:
        # Nothing that sends JSON to a broker has a number that is none.
        record = json.loads(line, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return Outcome(index=index, source="", format="", status=FAILED, reason=Reason.invalid_json)
    sent = _sent(record) if isinstance(record, dict) else None
    if sent is None:
        return Outcome(index=index, source="", format="", status=FAILED, reason=Reason.invalid_shape)
    readings, events, reason = _received(sent, limits)
    if readings or events:
        status, reason = DECODED, None
    elif _undecoded(record):
        status, reason = OUT_OF_SCOPE, Scope.decoder_errors.value
    elif reason == Reason.nothing_known and _decoded(record["expected"]):
        # Fields with names that mean nothing: what they tell of is not clear.
        status, reason = OUT_OF_SCOPE, Scope.unclear_state.value
    else:
        status = OUT_OF_SCOPE if reason in _SCOPES else FAILED
    return Outcome(
        index=index,
        source=str(record.get("source", "")),
        format=sent.format,
        status=status,
        readings=readings,
        events=events,
        reason=reason,
    )


def _sent(record: Mapping[str, object]) -> _Sent | None:
    """The message that would carry it; None: the record is not of a kind known here."""
    given, expected = record.get("input"), record.get("expected")
    if not isinstance(given, dict) or not isinstance(expected, dict | list):
        return None
    if "telegram_hex" in given:
        return _Sent(
            format="wmbusmeters",
            profile="wmbus-any",
            topic="wmbusmeters/conformance",
            payload=json.dumps(expected).encode(),
        )
    if "bytes_hex" in given:
        return _Sent(
            format="chirpstack-v4",
            profile="lorawan-any",
            topic=_UPLINK,
            payload=_uplink(record, given, expected),
        )
    return None


def _uplink(record: Mapping[str, object], given: Mapping[str, object], expected: object) -> bytes:
    """ChirpStack names its device profiles after maker and model."""
    model = record.get("model")
    models = cast(list[object], model) if isinstance(model, list) else [model]
    message: dict[str, object] = {
        "deduplicationId": "00000000-0000-0000-0000-000000000000",
        "deviceInfo": {
            "devEui": _EUI,
            "deviceProfileName": " ".join(str(part) for part in (record.get("vendor"), *models) if part),
        },
        "fPort": given.get("f_port") if isinstance(given.get("f_port"), int) else 1,
        "data": _base64(given.get("bytes_hex")),
    }
    if isinstance(given.get("recv_time"), str):
        message["time"] = given["recv_time"]
    decoded = _decoded(expected)
    if decoded is not None:
        message["object"] = decoded
    return json.dumps(message).encode()


def _decoded(expected: object) -> object:
    """What the vendor's decoder made of it; None: nothing."""
    if not isinstance(expected, dict) or "data" in expected:
        return expected["data"] if isinstance(expected, dict) else expected
    return {key: value for key, value in expected.items() if key not in ("errors", "warnings")} or None


def _undecoded(record: Mapping[str, object]) -> bool:
    expected = record.get("expected")
    if not isinstance(expected, dict) or _decoded(cast(object, expected)):
        return False
    return bool(expected.get("errors")) or isinstance(expected.get("data"), dict | list)


def _base64(text: object) -> str:
    try:
        return base64.b64encode(bytes.fromhex(str(text))).decode()
    except ValueError:
        return ""


def _received(
    sent: _Sent, limits: Limits
) -> tuple[tuple[dict[str, object], ...], tuple[dict[str, object], ...], str | None]:
    """Readings, events, and why there is neither."""
    profile = load_profiles()[sent.profile]
    try:
        parsed = FORMATS[sent.format].parse(sent.topic, sent.payload, profile.options)
    except DecodeError as error:
        return (), (), error.refusal.reason
    reason: str | None = Reason.nothing_known
    readings: list[dict[str, object]] = []
    events: list[dict[str, object]] = []
    for report in parsed.reports:
        element = mapping.element(report, profile, UTC)
        kept = list(_within(element, limits))
        readings += kept
        events += [_event(event) for event in element.events]
        if element.refusal is not None:
            refusal = element.refusal
            reason = refusal.detail if refusal.reason is Reason.out_of_scope else refusal.reason
        elif len(kept) < len(element.readings):
            reason = Reason.value_out_of_range
    return tuple(readings), tuple(events), reason


def _within(element: Element, limits: Limits) -> Iterator[dict[str, object]]:
    """The readings that ingest would not refuse."""
    for reading in element.readings:
        channel = limits.ranges[reading.channel]
        if channel.hard_min <= reading.value <= channel.hard_max:
            name = BY_CODE[reading.channel].name
            yield {"ch": name, "v": reading.value, "at": _iso(reading.time_us)}


def _event(event: DecodedEvent) -> dict[str, object]:
    told: dict[str, object] = {"type": EventType(event.type).name, "at": _iso(event.time_us)}
    if event.value is not None:
        told["value"] = event.value
    return told


def _iso(at_us: int | None) -> str | None:
    return None if at_us is None else from_us(at_us).isoformat().replace("+00:00", "Z")
