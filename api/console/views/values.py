"""What a device measured last, with everything that a reader must know before trusting it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from api.console import words
from api.console.reads import NewestReading
from api.console.texts import Catalogue
from api.console.views.installing import channel_word
from wire.channels import BY_CODE, EVENTS
from wire.quality import NOT_EVIDENCE, Quality


@dataclass(frozen=True, kw_only=True)
class Row:
    """One channel and its newest value."""

    channel: str
    value: str
    age: str
    #: What is to be known of it.
    flags: tuple[str, ...]
    #: No use is computed from it.
    doubtful: bool


def rows(t: Catalogue, newest: Sequence[NewestReading], *, now: datetime) -> tuple[Row, ...]:
    """Put the newest value of each channel into words.

    Events are not here: who went through a door, and when, is more than a page about the device needs.
    """
    return tuple(_row(t, one, now) for one in newest if one.channel != EVENTS and one.value is not None)


def _row(t: Catalogue, one: NewestReading, now: datetime) -> Row:
    quality = Quality(one.quality)
    ahead = one.at > now
    return Row(
        channel=channel_word(t, one.channel),
        value=f"{one.value:.10g} {BY_CODE[one.channel].unit}",
        age=t("device.ahead", age=words.age(t, one.at - now))
        if ahead
        else t("commission.ago", age=words.age(t, now - one.at)),
        flags=tuple(t.pick("quality", str(flag.name).lower()) for flag in Quality if flag in quality),
        doubtful=bool(quality & NOT_EVIDENCE),
    )
