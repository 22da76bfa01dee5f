"""ChirpStack v4 over MQTT, as JSON: what a LoRaWAN network server says of its devices.

The server is a gateway; a device is named by its EUI. What the server's own codec made of an uplink
(`object`) becomes fields; where there is none, the bytes go to the vendor's own decoder.
"""

import base64
import binascii
from collections.abc import Mapping

from devices.decoders import times
from devices.decoders.elements import Refusal
from devices.decoders.fields import flatten, parse_object
from devices.decoders.reports import DecodeError, Frame, Parsed, Report, Value
from wire.reasons import Reason

DECODER = 601

UP = ("application/+/device/+/event/+",)
DOWN = ("application/+/device/+/command/+",)

#: Of the server's own troubles with a device these are no news.
_NO_TROUBLE = frozenset({"INFO", "DEBUG"})


def parse(topic: str, payload: bytes, options: Mapping[str, Value]) -> Parsed:  # noqa: ARG001
    """Take one event of a device apart.

    An uplink becomes its fields or its frame, `status` battery and margin, `join` the field ``join``, a log
    line a refusal that says the code. What confirms our own commands, and positions, are in the journal and
    nowhere else.

    Raises
    ------
    DecodeError
    """
    levels = topic.split("/")
    found = parse_object(payload)
    eui = _eui(found)
    if levels[3:4] != [eui] and levels[3:4] != [eui.upper()]:
        raise DecodeError(Reason.wrong_sender, f"{eui} on a topic of {levels[3:4]}")
    event = levels[-1]
    if event == "up":
        return _uplink(payload, found, eui)
    if event == "status":
        return _status(payload, found, eui)
    if event == "join":
        return Parsed(reports=(_report(payload, found, eui, fields={"join": True}),))
    if event == "log":
        return _log(payload, found, eui)
    return Parsed()


def _uplink(payload: bytes, found: Mapping[str, object], eui: str) -> Parsed:
    decoded = found.get("object")
    if isinstance(decoded, dict | list) and decoded:
        return Parsed(reports=(_report(payload, found, eui, fields=flatten(decoded)),))
    data = found.get("data") or ""
    port = found.get("fPort") or 0
    if not isinstance(data, str) or not isinstance(port, int):
        raise DecodeError(Reason.invalid_shape, "data is text, fPort a number")
    try:
        said = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise DecodeError(Reason.invalid_frame, f"data: {error}") from error
    if not said:
        return Parsed()  # the network's own affairs, such as an answer to the server
    return Parsed(reports=(_report(payload, found, eui, frame=Frame(port, said)),))


def _status(payload: bytes, found: Mapping[str, object], eui: str) -> Parsed:
    """Battery in percent and margin in dB. What is on the mains, or cannot say, has no battery."""
    fields: dict[str, Value] = {}
    for name in ("batteryLevel", "margin"):
        value = found.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            fields |= flatten({name: value})
    if found.get("batteryLevelUnavailable") or found.get("externalPowerSource"):
        fields.pop("batteryLevel", None)
    units = {"batteryLevel": "%"} if "batteryLevel" in fields else {}
    return Parsed(reports=(_report(payload, found, eui, fields=fields, units=units),))


def _log(payload: bytes, found: Mapping[str, object], eui: str) -> Parsed:
    """What the server could not do for a device: kept in quarantine by its code, for a person to see."""
    if str(found.get("level")) in _NO_TROUBLE:
        return Parsed()
    refusal = Refusal(Reason.network_log, f"{found.get('code')}: {found.get('description', '')}")
    return Parsed(reports=(_report(payload, found, eui, refusal=refusal),))


def _report(
    payload: bytes,
    found: Mapping[str, object],
    eui: str,
    *,
    fields: Mapping[str, Value] | None = None,
    units: Mapping[str, str] | None = None,
    frame: Frame | None = None,
    refusal: Refusal | None = None,
) -> Report:
    time = found.get("time")
    counted = found.get("deduplicationId")
    return Report(
        raw=payload,
        address=eui,
        fields=fields or {},
        units=units or {},
        at_us=times.iso(time).at_us if isinstance(time, str) else None,
        counted=counted if isinstance(counted, str) and counted else None,
        about=_about(found),
        counter=frames if type(frames := found.get("fCnt")) is int else None,
        frame=frame,
        refusal=refusal,
    )


def _eui(found: Mapping[str, object]) -> str:
    info = found.get("deviceInfo")
    eui = info.get("devEui") if isinstance(info, dict) else None
    if not isinstance(eui, str) or not eui:
        raise DecodeError(Reason.invalid_shape, "no deviceInfo.devEui")
    return eui.lower()


def _about(found: Mapping[str, object]) -> str:
    """The server's device profile is named after the model; a device's own name is anybody's whim."""
    info = found.get("deviceInfo")
    name = info.get("deviceProfileName") if isinstance(info, dict) else None
    return name if isinstance(name, str) else ""
