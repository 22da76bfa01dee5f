"""Frames of Chinese meters: found in bytes, or in text that stands for bytes.

They begin with 68 and end with a sum over everything before it and 16. Bytes of value FE wake the line up and
mean nothing; what a serial server puts before or behind a frame means nothing either.
"""

import base64
import binascii
from collections.abc import Callable
from typing import NamedTuple

from devices.decoders.reports import DecodeError
from wire.reasons import Reason

START, END = 0x68, 0x16
#: A serial server sends what came in a moment: a few frames of at most 267 bytes.
MAX_BYTES = 64 * 1024
MAX_FRAMES = 500

_SEPARATORS = str.maketrans("", "", " \t\r\n,;:-")
_SPACES = str.maketrans("", "", " \t\r\n")


class Framed(NamedTuple):
    """What was found."""

    frames: tuple[bytes, ...]
    #: Something that begins like a frame is none: its sum is wrong, or its end is missing.
    broken: bool


def unwrap(payload: bytes) -> bytes:
    """Give the bytes that a payload is: itself, or what it spells in hexadecimal digits or in base64.

    A frame itself is never such a text: its last byte is no character of one.
    """
    if len(payload) > 4 * MAX_BYTES:
        raise DecodeError(Reason.payload_too_large, f"{len(payload)} bytes")
    try:
        spelled = spelled_bytes(payload.decode("ascii"))
    except UnicodeDecodeError:
        spelled = None
    return payload if spelled is None else spelled


def spelled_bytes(text: str) -> bytes | None:
    """Read bytes that are spelled in hexadecimal digits (also ``0x68, 0x10``) or in base64; None: neither."""
    digits = text.translate(_SEPARATORS).lower().replace("0x", "")
    try:
        return bytes.fromhex(digits)
    except ValueError:
        pass
    try:
        return base64.b64decode(text.translate(_SPACES), validate=True)
    except binascii.Error:
        return None


def find(data: bytes, end_of: Callable[[bytes, int], int]) -> Framed:
    """Find the frames in some bytes, wherever they begin.

    Parameters
    ----------
    end_of : Callable[[bytes, int], int]
        Where the frame ends that begins at a place; 0: none does.

    Raises
    ------
    DecodeError
        There is none, or there are too many bytes or frames.
    """
    if len(data) > MAX_BYTES:
        raise DecodeError(Reason.payload_too_large, f"{len(data)} bytes")
    frames: list[bytes] = []
    broken = False
    at = 0
    while (start := data.find(START, at)) >= 0:
        end = end_of(data, start)
        broken = broken or not end
        if end:
            frames.append(data[start:end])
        at = end or start + 1
    if not data:
        raise DecodeError(Reason.empty, "no payload")
    if not frames:
        raise DecodeError(Reason.invalid_frame, "no frame with a right sum and end")
    if len(frames) > MAX_FRAMES:
        raise DecodeError(Reason.array_too_long, f"more than {MAX_FRAMES} frames")
    return Framed(tuple(frames), broken)


def closes(data: bytes, start: int, end: int) -> bool:
    """Whether a frame from `start` to `end` has its sum and its end."""
    return end <= len(data) and data[end - 1] == END and sum(data[start : end - 2]) & 0xFF == data[end - 2]


def bcd(data: bytes) -> int | None:
    """Read decimal digits, two in a byte, the low ones first; None: what is there are none (FF: no value)."""
    digits = data[::-1].hex()
    return int(digits) if digits.isdecimal() else None


def digits(data: bytes) -> str:
    """Write a number that is sent low byte first, all its digits."""
    return data[::-1].hex().upper()
