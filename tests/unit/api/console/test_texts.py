"""Both catalogues say the same things, and the pages ask for nothing that they do not hold."""

import ast
import re
import string
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

from alerts.handling import TRANSITIONS
from api.console.texts import LANGUAGES, Plural, catalogue
from devices.conditions import Kind as Fault
from devices.safety import Refusal
from housing.board import STATES
from housing.kinds import BY_CODE
from wire.channels import BY_NAME
from wire.quality import Quality

CONSOLE = Path(str(resources.files("api.console")))
#: Groups whose texts are chosen by a name that comes from data.
BY_DATA = {
    "quality",
    "state",
    "outcome",
    "tile",
    "error",
    "board",
    "frame",
    "unit",
    "lead",
    "leads",
    "sheet",
    "demo",
    "login",
    "channel",
    "commission",
    "check",
    "device",
    "alerts",
    "fault",
    "field",
    "command",
    "correct",
}


#: Names that other rooms list.
KINDS = BY_CODE
CHANNELS = BY_NAME
OUTCOMES = ("confirmed", "refuted", "dismissed", "reopened", "withdrawn", "flagged", "cleared")
#: What a check shows, and acts on installations.
CHECKED = ("right", "other", "several", "nothing", "given_up", "running")
ACTS = (
    *("commission", "swap", "move", "taken", "retire", "correct", "undo"),
    *("replace_gateway", "change"),
)
#: First parts of the names of profiles.
PROFILES = ("lock", "gate", "hazard", "home")
ALERT_STATUSES = {status for (before, _), after in TRANSITIONS.items() for status in (before, after)}


def _calls_of_templates() -> Iterator[tuple[str, str, bool]]:
    environment = Environment(trim_blocks=True)
    for file in sorted((CONSOLE / "templates").glob("*.html")):
        tree = environment.parse(file.read_text(encoding="utf-8"))
        for call in tree.find_all(nodes.Call):
            name = call.node
            if isinstance(name, nodes.Name) and name.name == "t":
                assert isinstance(call.args[0], nodes.Const), (
                    f"{file.name}: t() takes a literal; use t.pick()"
                )
                yield file.name, call.args[0].value, False
            elif isinstance(name, nodes.Getattr) and name.attr == "pick":
                assert isinstance(call.args[0], nodes.Const)
                yield file.name, call.args[0].value, True


def _calls_of_modules() -> Iterator[tuple[str, str, bool]]:
    for file in sorted(CONSOLE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], ast.Constant):
                continue
            function, first = node.func, node.args[0].value
            if isinstance(function, ast.Name) and function.id == "t":
                yield file.name, first, False
            elif (
                isinstance(function, ast.Attribute)
                and function.attr in {"pick", "words"}
                and isinstance(function.value, ast.Name)
                and function.value.id == "t"
            ):
                yield file.name, first, function.attr == "pick"


CALLS = [*_calls_of_templates(), *_calls_of_modules()]


def test_both_languages_have_the_same_keys_and_values_to_put_in() -> None:
    zh, en = (catalogue(lang).entries for lang in LANGUAGES)
    assert set(zh) == set(en)
    for key, text in zh.items():
        if isinstance(text, tuple):
            assert isinstance(en[key], tuple)
            assert len(en[key]) == len(text)
            continue
        # the other language may need fewer values, e.g. no name of a month, never ones of its own
        wanted = [_fields(one) for one in (text, en[key])]
        assert wanted[0] == wanted[1] or key.startswith(("lang.", "unit.shape")), key


def test_no_text_is_empty_but_hints() -> None:
    for lang in LANGUAGES:
        for key, text in catalogue(lang).entries.items():
            assert text or key.endswith("_hint"), key


@pytest.mark.parametrize(("where", "key", "by_data"), CALLS)
def test_every_text_a_page_asks_for_exists(where: str, key: str, by_data: bool) -> None:
    entries = catalogue("zh").entries
    if by_data:
        assert key in BY_DATA, where
        assert any(name.startswith(f"{key}.") for name in entries), where
    else:
        assert key in entries, where


def test_no_text_is_left_over() -> None:
    asked = {key for _, key, by_data in CALLS if not by_data}
    files = [file for file in CONSOLE.rglob("*") if file.suffix in {".py", ".html"}]
    sources = "".join(file.read_text(encoding="utf-8") for file in files)
    left = [
        key
        for key in catalogue("zh").entries
        if key not in asked and not (key.partition(".")[0] in BY_DATA and _chosen_by_data(key, sources))
    ]
    assert left == []


def test_chinese_uses_full_width_punctuation() -> None:
    for key, text in catalogue("zh").entries.items():
        if isinstance(text, str) and re.search(r"[\u4e00-\u9fff]", text):
            assert not re.search(r"[\u4e00-\u9fff][,;:?!]", text), key


def _fields(text: object) -> set[str]:
    texts = (text.one, text.other) if isinstance(text, Plural) else (str(text),)
    return {field for one in texts for _, field, _, _ in string.Formatter().parse(one) if field}


def _chosen_by_data(key: str, sources: str) -> bool:
    """The name stands in the pages as a word, or one part of it with the rest put in."""
    name = key.partition(".")[2]
    head, _, tail = name.rpartition("_")
    quoted = [f"'{name}'", f'"{name}"', f"'{head}_'", f'"{head}_{{', f"'_{tail}'", f'}}_{tail}"']
    of_acts = {f"{act}_{part}" for act in ACTS for part in ("title", "text", "submit")}
    of_acts |= {f"act_{act}" for act in ACTS} | {f"done_{act}" for act in ACTS}
    of_checks = {f"outcome_{one}" for one in CHECKED} | {f"{one}_text" for one in CHECKED}
    of_checks |= {f"outcome_{one}" for one in OUTCOMES} | {f"decided_{one}" for one in OUTCOMES}
    of_commands = {f"refusal_{one}" for one in Refusal}
    states = {f"state_{one}{end}" for one in ("waiting", "arrived", "unproven") for end in ("", "_text")}
    listed = {
        *of_acts,
        *of_checks,
        *of_commands,
        *states,
        *PROFILES,
        *STATES,
        *KINDS,
        *OUTCOMES,
        *CHANNELS,
        *ALERT_STATUSES,
        *Fault,
        *(str(flag.name).lower() for flag in Quality),
        "flowing",
        "late",
        "nothing",
    }
    return name in listed or any(one in sources for one in quoted)
