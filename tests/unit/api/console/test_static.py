"""The files behind the pages keep their promises: contrast, nothing inline, nothing from elsewhere."""

import re
from importlib import resources
from pathlib import Path

import pytest

CONSOLE = Path(str(resources.files("api.console")))
CSS = (CONSOLE / "static" / "anju.css").read_text(encoding="utf-8")
TEMPLATES = sorted((CONSOLE / "templates").glob("*.html"))
PAGES = "".join(file.read_text(encoding="utf-8") for file in TEMPLATES)

#: (text, ground, least ratio): WCAG 2.2, 4.5 for text and 3 for edges of controls and marks of plots.
PAIRS = [
    ("ink", "bg", 7),
    ("ink", "surface", 7),
    ("ink-2", "surface", 7),
    ("ink-3", "surface", 4.5),
    ("ink-3", "sunken", 4.5),
    ("ink-3", "bg", 4.5),
    ("edge", "bg", 3),
    ("accent", "surface", 4.5),
    ("on-accent", "accent-fill", 4.5),
    ("on-hazard", "hazard-fill", 4.5),
    ("hazard", "hazard-soft", 4.5),
    ("hazard", "surface", 4.5),
    ("ink", "lead-fill", 4.5),
    ("lead", "surface", 4.5),
    ("lead", "lead-soft", 4.5),
    ("surface", "lead", 4.5),
    ("surface", "pause", 4.5),
    ("device", "device-soft", 4.5),
    ("device", "bg", 4.5),
    ("pause", "pause-soft", 4.5),
    ("ok", "ok-soft", 4.5),
    ("plot-elec", "plot-band", 3),
    ("plot-water", "plot-band", 3),
    ("plot-before", "surface", 3),
    ("plot-foreign", "surface", 3),
]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("text", "ground", "least"), PAIRS)
def test_words_and_marks_stand_out_in_both_themes(theme: str, text: str, ground: str, least: float) -> None:
    tokens = _tokens(theme)
    assert _ratio(tokens[text], tokens[ground]) >= least


def test_the_dark_theme_is_the_same_however_it_is_chosen() -> None:
    by_device, by_choice = re.findall(r"color-scheme: dark;(.*?)\}", CSS, re.DOTALL)
    assert by_device.split() == by_choice.split()


def test_nothing_inline_so_that_the_policy_can_forbid_it() -> None:
    assert not re.search(r"""<style|\sstyle=|\son\w+=|<script(?! src="\{\{ static)""", PAGES)


def test_nothing_comes_from_elsewhere() -> None:
    script = (CONSOLE / "static" / "anju.js").read_text(encoding="utf-8")
    for text in (PAGES, script, CSS):
        assert not re.search(
            r"https?://|//\w+\.\w+/|@import|url\((?!#)", text.replace("http://www.w3.org", "")
        )


def test_every_rule_of_the_style_sheet_is_used() -> None:
    drawn = "".join(file.read_text(encoding="utf-8") for file in CONSOLE.rglob("*.py"))
    script = (CONSOLE / "static" / "anju.js").read_text(encoding="utf-8")
    everything = PAGES + drawn + script
    left = [
        name
        for name in sorted(set(re.findall(r"\.([a-z][\w-]*)(?=[\s.:,{>\[+)])", CSS)))
        # states and tones are put together from data
        if not re.search(rf"\b{re.escape(name)}\b", everything) and not name.startswith(("s-", "t-"))
    ]
    assert left == []


def test_every_class_of_the_pages_has_a_rule() -> None:
    named = set(re.findall(r"\.([a-zA-Z][\w-]*)", CSS))
    used = {
        name
        for value in re.findall(r'class="([^"]*)"', re.sub(r"\{[{%].*?[%}]\}", " ", PAGES))
        for name in value.split()
    }
    # said by words of other classes beside them
    assert used - named <= {"page", "stack", "s-", "t-", "spark", "say", "where", "devices", "find"}


def _tokens(theme: str) -> dict[str, str]:
    light = re.search(r":root \{(.*?)\}", CSS, re.DOTALL)
    dark = re.search(r':root\[data-theme="dark"\] \{(.*?)\}', CSS, re.DOTALL)
    assert light is not None
    assert dark is not None
    tokens = dict(re.findall(r"--([\w-]+): (#[0-9a-f]+)", light[1]))
    return tokens if theme == "light" else tokens | dict(re.findall(r"--([\w-]+): (#[0-9a-f]+)", dark[1]))


def _ratio(one: str, other: str) -> float:
    """Contrast of two colours (WCAG 2.2, relative luminance)."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    text = colour.removeprefix("#")
    text = "".join(2 * digit for digit in text) if len(text) == 3 else text
    parts = [int(text[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
