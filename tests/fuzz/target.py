"""One decoder, under atheris: ``python -m tests.fuzz.target DECODER CORPUS [libFuzzer's options]``."""

import sys
from collections.abc import Callable, Mapping
from zoneinfo import ZoneInfo

import atheris

with atheris.instrument_imports(include=["devices", "wire"]):
    from devices.decoders import native
    from devices.decoders.reports import RETAINED, DecodeError, Value
    from devices.formats import FORMATS, Format
    from devices.mapping import element
    from devices.profiles import Profile, load_profiles
    from wire.envelope import Kind

from tests.fuzz.seeds import NATIVE

_SHANGHAI = ZoneInfo("Asia/Shanghai")


def target(name: str) -> Callable[[bytes], None]:
    """What is called with each input."""
    if name == NATIVE:
        return _native
    found = FORMATS[name]
    profiles = [profile for profile in load_profiles().values() if profile.format == name]
    filters = (*found.up, *found.http)
    topics = [topic.replace("+", "a").replace("#", "a") for topic in filters]
    topics += [topic.replace("+", "").replace("/#", "") for topic in filters]
    options: list[Mapping[str, Value]] = [{}, {RETAINED: True}, *(profile.options for profile in profiles)]
    seal = _SEALS.get(name)

    def once(data: bytes) -> None:
        # The last byte says how it comes; the rest is the payload.
        how, payload = (data[-1], data[:-1]) if data else (0, b"")
        topic, chosen = topics[how % len(topics)], options[how % len(options)]
        _decode(found, topic, payload, chosen, profiles)
        if seal is not None:
            _decode(found, topic, seal(payload), chosen, profiles)

    return once


def _native(data: bytes) -> None:
    for kind in Kind:
        native.decode(kind, data[:-1])


def _decode(
    found: Format, topic: str, payload: bytes, options: Mapping[str, Value], profiles: list[Profile]
) -> None:
    try:
        parsed = found.parse(topic, payload, options)
    except DecodeError:
        return
    for report in parsed.reports[:50]:
        for profile in profiles:
            element(report, profile, _SHANGHAI)


def _seal_645(data: bytes) -> bytes:
    """Make a frame of any bytes: its sum would stop nearly all of them."""
    head, said = data[:7].ljust(7, b"\x91"), data[7:200]
    body = b"\x68" + head[:6] + b"\x68" + head[6:] + bytes([len(said)]) + said
    return body + bytes([sum(body) & 0xFF, 0x16])


def _seal_188(data: bytes) -> bytes:
    head, said = data[:9].ljust(9, b"\x81"), data[9:200]
    body = b"\x68" + bytes([0x10 + head[0] % 0x40]) + head[1:8] + head[8:] + bytes([len(said)]) + said
    return body + bytes([sum(body) & 0xFF, 0x16])


_SEALS = {"dlt645": _seal_645, "cjt188": _seal_188}


if __name__ == "__main__":
    once = target(sys.argv[1])
    atheris.Setup([sys.argv[0], *sys.argv[2:]], once)
    atheris.Fuzz()
