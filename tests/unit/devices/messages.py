"""What a message that was published somewhere must become, as the files of `payloads` say it."""

import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from devices.decoders.elements import Element
from devices.decoders.reports import Report
from devices.mapping import element
from devices.profiles import load_profiles
from tests.unit.devices.samples import sample
from wire.channels import BY_CODE
from wire.events import EventType, Method, Result

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
    return None if at is None else (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def names(report: Report) -> list[str | None]:
    return [report.address, *report.aliases]


def source(message: Mapping[str, Any]) -> str:
    """For the name of a test."""
    return str(message["source"])
