"""JSON of any shape, as fields with names: what most formats that are not frames are made of."""

import json

import msgspec

from devices.decoders.reports import DecodeError, Value
from wire.reasons import Reason

#: More than any message of a meter, lock or gate has; pictures are cut out before.
MAX_BYTES = 4 * 1024 * 1024
MAX_FIELDS = 2_000
MAX_DEPTH = 32
#: Of one field's whole name.
MAX_NAME = 256

_JSON = msgspec.json.Decoder()
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
#: Devices that are written in C send the end of the string, too.
_AROUND = b"\x00 \t\r\n"


class _NoNumber(Exception):
    """A JSON text names NaN or an infinity."""


def parse_json(payload: bytes) -> object:
    """Read a JSON text: objects, lists, text, numbers, truth, None.

    Raises
    ------
    DecodeError
        It is none, or too large, or nested too deeply, or names a number that is none.
    """
    if len(payload) > MAX_BYTES:
        raise DecodeError(Reason.payload_too_large, f"{len(payload)} bytes")
    text = payload.removeprefix(_BYTE_ORDER_MARK).strip(_AROUND)
    if not text:
        raise DecodeError(Reason.empty, "no payload")
    try:
        text.decode()
        return _JSON.decode(text)
    except UnicodeDecodeError as error:
        raise DecodeError(Reason.invalid_utf8, f"byte {error.start}") from error
    except msgspec.DecodeError as error:
        if "out of range" in str(error):
            raise DecodeError(Reason.not_finite, str(error)) from error
        if names_no_number(text):
            raise DecodeError(Reason.not_finite, "NaN and Infinity are no numbers of JSON") from error
        raise DecodeError(Reason.invalid_json, str(error)) from error
    except RecursionError as error:
        raise DecodeError(Reason.invalid_json, "nested too deeply") from error


def parse_object(payload: bytes) -> dict[str, object]:
    """Read a JSON text that is an object.

    Raises
    ------
    DecodeError
        As `parse_json`, or it is something else.
    """
    found = parse_json(payload)
    if not isinstance(found, dict):
        raise DecodeError(Reason.invalid_shape, "not an object")
    return found


def flatten(found: object) -> dict[str, Value]:
    """Name everything in a JSON value by the way to it: ``door.0.open``.

    Numbers become floats; null is nothing. A value that is neither object nor list has the name ``value``.

    Raises
    ------
    DecodeError
        There are too many fields, too deep, or with names too long.
    """
    into: dict[str, Value] = {}
    if isinstance(found, dict | list):
        _flatten(found, "", 1, into)
    else:
        _put(found, "value", into)
    return into


def text_of(value: object) -> str | None:
    """Read a name or number that names something; None: it is neither, or empty."""
    if isinstance(value, str):
        return value.strip() or None
    # Python refuses to write very long numbers; none of them names anything.
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**64:
        return str(value)
    return None


def object_of(value: object) -> dict[str, object]:
    """Read a value that should be an object; an empty one if it is none."""
    return value if isinstance(value, dict) else {}


def objects_of(value: object) -> list[dict[str, object]]:
    """Read a value that should be a list of objects; what is none is left out."""
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []


def names_no_number(text: bytes) -> bool:
    """Whether a text is JSON but for NaN or Infinity, as some devices write it."""

    def refuse(_: str) -> None:
        raise _NoNumber

    try:
        json.loads(text, parse_constant=refuse)
    except _NoNumber:
        return True
    except (ValueError, RecursionError):
        return False
    return False


def _flatten(found: dict[str, object] | list[object], front: str, depth: int, into: dict[str, Value]) -> None:
    if depth > MAX_DEPTH:
        raise DecodeError(Reason.invalid_shape, f"more than {MAX_DEPTH} levels")
    for key, value in found.items() if isinstance(found, dict) else enumerate(found):
        name = f"{front}{key}"
        if len(name) > MAX_NAME:
            raise DecodeError(Reason.invalid_shape, f"a name of more than {MAX_NAME} characters")
        if isinstance(value, dict | list):
            _flatten(value, f"{name}.", depth + 1, into)
        else:
            _put(value, name, into)


def _put(value: object, name: str, into: dict[str, Value]) -> None:
    if value is None:
        return
    if len(into) >= MAX_FIELDS:
        raise DecodeError(Reason.invalid_shape, f"more than {MAX_FIELDS} fields")
    into[name] = value if isinstance(value, bool | str) else _number(value, name)


def _number(value: object, name: str) -> float:
    assert isinstance(value, int | float)
    try:
        return float(value)
    except OverflowError:
        raise DecodeError(Reason.not_finite, name) from None
