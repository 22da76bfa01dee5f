"""What profiles are called by people: the comment that each file begins with, `# 中文：English. …`."""

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import NamedTuple

_END = re.compile(r"[.;:](?=\s|$)")
_LONGEST = 72


class Name(NamedTuple):
    """One profile, in words."""

    zh: str
    en: str


@cache
def names() -> Mapping[str, Name]:
    """Every profile that is named, by its code."""
    folder = resources.files("devices").joinpath("profiles")
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda f: f.name)
    found = {file.name.removesuffix(".toml"): name_in(file.read_text(encoding="utf-8")) for file in files}
    return MappingProxyType({code: name for code, name in found.items() if name is not None})


def name_in(text: str) -> Name | None:
    """The name at the head of a profile's file; None: it has none."""
    lines: list[str] = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.lstrip("# ").rstrip())
    zh, colon, rest = " ".join(lines).partition("：")
    if not colon or not rest.strip():
        return None
    return Name(zh=zh.strip(), en=_short(_END.split(rest.strip(), maxsplit=1)[0]))


def _short(text: str) -> str:
    """As much of it as a list has room for, up to a comma."""
    if len(text) <= _LONGEST:
        return text
    return text[:_LONGEST].rpartition(",")[0] or text[:_LONGEST].rpartition(" ")[0]
