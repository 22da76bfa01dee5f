"""OBIS values as JSON (IEC 62056-61): a map from code to value, or the data records of a wired M-Bus reader.

Fields are named by code without the last group: ``1-0:1.8.0``. The group left out says which billing period
a value belongs to; only what is of now (255, or nothing) is kept. A value may be text with its unit, as on
the meter's own line: ``001234.5*kWh``. Where a meter gives its tariffs and no sum (1.8.1, 1.8.2 …), their sum
is it, provided that they are counted from 1 without a gap, at least two, in one unit.

The topic `obis` speaks of the sender itself, `obis/<address>/…` of one of its children.
"""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal

from devices.decoders.fields import flatten, parse_object
from devices.decoders.reports import DecodeError, Parsed, Report, Value
from wire.reasons import Reason

DECODER = 401

UP = ("obis/#",)
DOWN: tuple[str, ...] = ()

_CODE = re.compile(
    r"(?:(?P<a>\d{1,2})-(?P<b>\d{1,3}):)?(?P<c>\d{1,3})\.(?P<d>\d{1,3})(?:\.(?P<e>\d{1,3}))?(?:[*_&.](?P<f>\d{1,3}))?"
)
_WITH_UNIT = re.compile(
    r"\s*(?P<number>[+-]?\d{1,18}(?:\.\d{1,18})?)\s*\*?\s*(?P<unit>[^\d\s*.][^\s*]{0,15})\s*"
)
_PLAIN = re.compile(r"[+-]?\d{1,18}(?:\.\d{1,18})?")
_TOTAL = re.compile(r"(?P<front>.+:\d+\.8)\.(?P<tariff>\d+)")
_NOW = "255"
_ELECTRICITY = "1"
#: By medium, where the message states no unit; else the channel's own.
_USUAL = {"7": "m3", "8": "m3", "9": "m3"}
#: Of wired M-Bus: the medium as its reader names it, the quantity by its unit, and the code of both.
_MEDIA = {
    "electricity": "1-0",
    "heat": "6-0",
    "gas": "7-0",
    "water": "8-0",
    "cold water": "8-0",
} | dict.fromkeys(("warm water", "hot water"), "9-0")
_QUANTITIES = {
    "1-0": {"wh": "1.8.0", "kwh": "1.8.0", "j": "1.8.0", "w": "16.7.0", "v": "32.7.0", "a": "31.7.0"},
    "6-0": {"wh": "1.0.0", "kwh": "1.0.0", "j": "1.0.0", "m^3": "2.0.0", "w": "8.0.0", "m^3/h": "9.0.0"},
    "7-0": {"m^3": "3.0.0", "l": "3.0.0"},
    "8-0": {"m^3": "1.0.0", "l": "1.0.0", "m^3/h": "2.0.0"},
    "9-0": {"m^3": "1.0.0", "l": "1.0.0", "m^3/h": "2.0.0"},
}


def parse(topic: str, payload: bytes, options: Mapping[str, Value]) -> Parsed:  # noqa: ARG001
    """Take one message apart.

    Raises
    ------
    DecodeError
    """
    found = parse_object(payload)
    records = found.get("DataRecords")
    address = next(iter(topic.split("/")[1:2]), None) or None
    if isinstance(records, list):
        said = list(_records(records, str(found.get("DeviceType") or "")))
        serial = found.get("SerialNumber")
        if isinstance(serial, int | str) and not isinstance(serial, bool) and serial != "":
            address = str(serial)
    else:
        said = list(_codes(found))
    fields: dict[str, Value] = {}
    units: dict[str, str] = {}
    for name, value, unit in said:
        if name not in fields:
            fields[name] = flatten(value)["value"]
            units |= {name: unit} if unit else {}
    if not fields:
        raise DecodeError(Reason.nothing_known, "no OBIS code of now")
    _add_up(fields, units)
    return Parsed(reports=(Report(raw=payload, address=address, fields=fields, units=units),))


def _codes(found: Mapping[str, object]) -> Iterator[tuple[str, object, str]]:
    for name, value in found.items():
        code = _CODE.fullmatch(name.strip())
        if code is None or (code["f"] or _NOW) != _NOW:
            continue
        unit = ""
        if isinstance(value, dict):
            unit = str(value.get("unit") or "")
            value = value.get("value")  # noqa: PLW2901 - what stands inside is the value
        if isinstance(value, str) and (spelled := _WITH_UNIT.fullmatch(value)) is not None:
            unit, value = unit or spelled["unit"], spelled["number"]  # noqa: PLW2901
        if isinstance(value, str | int | float):
            medium = f"{code['a'] or _ELECTRICITY}-{code['b'] or 0}"
            unit = unit or _USUAL.get(medium.split("-", maxsplit=1)[0], "")
            yield f"{medium}:{code['c']}.{code['d']}.{code['e'] or 0}", value, unit


def _add_up(fields: dict[str, Value], units: dict[str, str]) -> None:
    """Add the sum of what is counted by tariff and not in all."""
    tariffs: dict[str, dict[int, str]] = {}
    for name in fields:
        if (found := _TOTAL.fullmatch(name)) is not None:
            tariffs.setdefault(found["front"], {})[int(found["tariff"])] = name
    for front, by_number in tariffs.items():
        names = [by_number[number] for number in sorted(by_number)]
        if len(names) < 2 or sorted(by_number) != list(range(1, len(names) + 1)):
            continue
        stated = {units.get(name, "") for name in names}
        amounts = [amount for name in names if (amount := _number(fields[name])) is not None]
        if len(stated) == 1 and len(amounts) == len(names):
            fields[f"{front}.0"] = float(sum(amounts))
            units |= {f"{front}.0": unit for unit in stated if unit}


def _number(value: Value) -> Decimal | None:
    """Exactly as it was written: a sum of decimals is one."""
    text = str(value).strip()
    return Decimal(text) if not isinstance(value, bool) and _PLAIN.fullmatch(text) else None


def _records(records: list[object], medium: str) -> Iterator[tuple[str, object, str]]:
    """Only what is measured now, in no tariff, by the meter itself and not by one behind it."""
    front = _MEDIA.get(medium.split(":", maxsplit=1)[0].strip().lower())
    for record in records:
        if front is None or not isinstance(record, dict) or record.get("Function") != "Instantaneous value":
            continue
        unit = record.get("Unit")
        named = str(unit.get("Unit")) if isinstance(unit, dict) else ""
        quantity = _QUANTITIES[front].get(named.lower())
        of_now = not any(record.get(key) for key in ("StorageNumber", "Tariff", "Device"))
        value = record.get("Value")
        if quantity is not None and of_now and isinstance(value, int | float):
            yield f"{front}:{quantity}", value, named
