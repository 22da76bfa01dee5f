"""The words of the pages: one catalogue a language, loaded once."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType

#: Chinese first.
LANGUAGES = ("zh", "en")


@dataclass(frozen=True)
class Plural:
    """Two forms of one text, chosen by `n`."""

    one: str
    other: str


Text = str | Plural | tuple[str, ...]


@dataclass(frozen=True)
class Catalogue:
    """All texts of one language; called with a key and values, it gives the text."""

    lang: str
    entries: Mapping[str, Text]

    def __call__(self, key: str, **values: object) -> str:
        """Text of a key with its values put in.

        Raises
        ------
        KeyError
            No such text; a test keeps the pages free of that.
        """
        text = self.entries[key]
        if isinstance(text, Plural):
            text = text.one if values.get("n") == 1 else text.other
        if isinstance(text, tuple):
            raise KeyError(f"{key} is a list")
        return text.format(**values) if values else text

    def pick(self, group: str, name: str, **values: object) -> str:
        """Text of a name that comes from data, e.g. ``pick("state", tile.state)``."""
        return self(f"{group}.{name}", **values)

    def words(self, key: str) -> tuple[str, ...]:
        """A list of words, e.g. the months."""
        found = self.entries[key]
        if not isinstance(found, tuple):
            raise KeyError(f"{key} is not a list")
        return found

    def of(self, zh: str, en: str) -> str:
        """The one of two texts that stand together in data."""
        return zh if self.lang == "zh" else en


@cache
def catalogue(lang: str) -> Catalogue:
    """Read the catalogue of a language."""
    text = resources.files("api.console.texts").joinpath(f"{lang}.toml").read_text(encoding="utf-8")
    return Catalogue(lang=lang, entries=MappingProxyType(_flat(tomllib.loads(text))))


def _flat(tables: Mapping[str, Mapping[str, object]]) -> dict[str, Text]:
    flat: dict[str, Text] = {}
    for group, texts in tables.items():
        for name, text in texts.items():
            if isinstance(text, dict):
                flat[f"{group}.{name}"] = Plural(one=text["one"], other=text["other"])
            elif isinstance(text, list):
                flat[f"{group}.{name}"] = tuple(str(word) for word in text)
            else:
                flat[f"{group}.{name}"] = str(text)
    return flat
