"""What a message that was published somewhere must become, as the files of `payloads` say it."""

import json
import tomllib
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from devices.decoders.elements import Element
from devices.decoders.reports import Report
from devices.mapping import element
from devices.profiles import load_profiles
from tests.unit.devices.samples import sample
from wire.channels import BY_CODE
from wire.events import EventType, Method, Result
from wire.instants import to_us

SHANGHAI = ZoneInfo("Asia/Shanghai")


def messages(name: str) -> list[dict[str, Any]]:
    """Read the messages of a format."""
    return tomllib.loads(sample(f"{name}/messages.toml").decode())["message"]


def meant(report: Report, profile: str) -> Element:
    """What a report means to a device of a profile, in China."""
    return element(report, load_profiles()[profile], SHANGHAI)


def readings(found: Element) -> dict[str, float]:
    return {BY_CODE[reading.channel].name: reading.value for reading in found.readings}


def events(found: Element) -> list[list[str | float]]:
    """Type, way in, result, subject and value of each event, where they are said."""
    said: list[list[str | float]] = []
    for event in found.events:
        names = [EventType(event.type).name, Method(event.method).name, Result(event.result).name]
        said.append([name for name in names if name != "none"])
        said[-1] += [more for more in (event.subject, event.value) if more is not None]
    return said


def microseconds(at: datetime | None) -> int | None:
    return None if at is None else to_us(at)


def names(report: Report) -> list[str | None]:
    return [report.address, *report.aliases]


def source(message: Mapping[str, Any]) -> str:
    """For the name of a test."""
    return str(message["source"])


def alike(found: list[dict[str, Any]]) -> st.SearchStrategy[bytes]:
    """JSON with the keys of some messages, in any order and depth, with anything for values; or any bytes."""
    keys = sorted({key for message in found for key in _keys(_read(message["payload"]))})
    texts = st.sampled_from(["", "on", "2026-11-24T08:00:00Z", "20261124T080000Z", "1795507200000", "6801"])
    leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts | st.text()
    values = st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(keys), inner, max_size=5),
        max_leaves=25,
    )
    objects = st.dictionaries(st.sampled_from(keys), values, max_size=8)
    return (objects | st.lists(objects, max_size=3)).map(_written) | st.binary(max_size=100)


def _written(found: object) -> bytes:
    return json.dumps(found).encode()


def _read(payload: str) -> object:
    try:
        return json.loads(payload)
    except ValueError:
        return None


def _keys(found: object) -> set[str]:
    inner = found.values() if isinstance(found, dict) else found if isinstance(found, list) else ()
    own = set(found) if isinstance(found, dict) else set()
    return own.union(*(_keys(value) for value in inner))
