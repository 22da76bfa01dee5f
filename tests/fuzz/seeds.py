"""What fuzzing begins with: payloads of real devices, as the tests have them."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

#: The decoder that is not in the table of formats.
NATIVE = "native"

_PAYLOADS = Path(__file__).parents[1] / "unit" / "devices" / "payloads"
#: Longer ones only make it slow.
_MOST_BYTES = 8192
_NATIVE = (
    b'{"seq": 17, "at": "2026-11-24T08:00:00Z", "readings": [{"ch": "water_l", "v": 15}]}',
    b'{"seq": 18, "boot": 2, "at": "2026-11-24T08:00:00+08:00", "type": "entry", "subject": "p"}',
    b'{"seq": 19, "at": "2026-11-24T08:00:00Z", "readings": [{"ch": "energy_kwh", "v": NaN}]}',
)


def seeds() -> list[bytes]:
    """Payloads of all formats: what one writes the others must survive."""
    found = [seed for text in _NATIVE for seed in (text, b"[" + text + b"]")]
    found += [seed for file in sorted(_PAYLOADS.rglob("*")) if file.is_file() for seed in _of(file)]
    return [seed for seed in found if len(seed) <= _MOST_BYTES]


def _of(file: Path) -> Iterator[bytes]:
    content = file.read_bytes()
    if file.suffix != ".toml":
        yield content
        return
    tables = tomllib.loads(content.decode())
    for message in tables.get("message", []):
        yield message["payload"].encode()
    for frame in tables.get("frame", []):
        yield frame["hex"].encode()
        yield bytes.fromhex(frame["hex"])
