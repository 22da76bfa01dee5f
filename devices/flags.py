"""Texts that are flags: ``PERMANENT_ERROR SABOTAGE_ENCLOSURE``, ``Leakage, Low battery``, one of a list."""

import re

from devices.wording import truth, words

#: What a text of several words, each a flag, can say: of a meter or detector.
_FLAGS = (
    (re.compile(r"(?<!NO)(?<!NO[ _])LEAK(?!AGE_OR)|BURST"), "water_leak"),
    (re.compile(r"TAMPER|SABOTAGE|SEAL_?BROKEN|FRAUD|REMOVAL|MANIPULATION|DETACHED"), "tamper"),
    (re.compile(r"(?:POWER|BATTERY)_?LOW|LOW_?(?:POWER|BATTERY)"), "battery_low"),
    (re.compile(r"MANUAL_TEST"), "smoke_test"),
    (re.compile(r"(?<!TO_)SMOKE(?!_?(?:SENSOR|CHAMBER|INLET|TEST|DETECTOR))|FIRE_?ALARM"), "smoke"),
)  # fmt: skip
#: Flags of another time: ``TAMPER_PREV_MONTH``, ``LEAK_DATE``.
_PAST_FLAG = re.compile(r"PREV|LAST|DATE|HISTOR")
_SEVERAL = re.compile(r"[A-Z][A-Z0-9_]*(?:[ ,;|]+[A-Z0-9_]+)*|OK")
#: One flag, as a person would write it: ``Low battery``.
_PHRASE = re.compile(r"[^\W\d_]+(?:[ _-][^\W\d_]+){0,3}")


def flagged(text: str, *, listed: bool) -> list[str]:
    """Name the events that a text tells of, each so; nothing where it is no list of flags.

    Parameters
    ----------
    listed
        Whether it is one flag of a list.
    """
    said = " ".join(flag for flag in _flags(text, listed=listed) if not _PAST_FLAG.search(flag))
    return [event for flag, event in _FLAGS if flag.search(said)]


def _flags(text: str, *, listed: bool) -> list[str]:
    """Each flag in capitals, its words joined; nothing where the text is no list of flags."""
    if listed:
        return ["_".join(re.split(r"[^\w]+", text.upper()))]
    if _SEVERAL.fullmatch(text):
        return re.split(r"[^\w]+", text.upper())
    phrases = [phrase.strip() for phrase in re.split(r"[,;|/]", text)]
    if not all(_PHRASE.fullmatch(phrase) for phrase in phrases):
        return []
    return ["_".join(re.split(r"[ -]", phrase.upper())) for phrase in phrases if _is_plain_flag(phrase)]


def _is_plain_flag(phrase: str) -> bool:
    said = words(phrase)
    ruled_out = said.has("error", "test", "setting", "threshold", "sensor", "detector", "detection", "past")
    return truth(phrase) is not False and not ruled_out
