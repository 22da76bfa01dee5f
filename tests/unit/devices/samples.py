"""Payloads as devices send them, and as vendors print them; names and numbers of people replaced."""

from pathlib import Path

_FOLDER = Path(__file__).parent / "payloads"


def sample(name: str) -> bytes:
    """Read ``<format>/<payload>.<ending>`` of the folder `payloads`."""
    return (_FOLDER / name).read_bytes()
