"""Times and figures as people read them, in the language and zone of the page."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from api.console.texts import Catalogue
from wire.spans import spoken


def day(t: Catalogue, when: date) -> str:
    """A day near to today, without its year: 11-24, 24 Nov."""
    return t("lang.day", month=when.month, day=when.day, name=t.words("lang.months")[when.month - 1])


def stamp(t: Catalogue, when: datetime, zone: ZoneInfo, *, now: datetime) -> str:
    """A moment: the time alone for today, else with its day, and with its year if that is another."""
    local, today = when.astimezone(zone), now.astimezone(zone)
    if local.date() == today.date():
        return f"{local:%H:%M}"
    if local.date() == today.date() - timedelta(days=1):
        return t("lang.yesterday", hour=local.hour, minute=local.minute)
    text = t(
        "lang.stamp",
        month=local.month,
        day=local.day,
        name=t.words("lang.months")[local.month - 1],
        hour=local.hour,
        minute=local.minute,
    )
    return text if local.year == today.year else f"{local:%Y}-{local:%m-%d %H:%M}"


def near_day(t: Catalogue, when: date, *, today: date) -> str:
    """A day, with its year unless it lies within the last ten months or ahead of them."""
    return day(t, when) if abs((today - when).days) < 300 else when.isoformat()


def age(t: Catalogue, span: timedelta) -> str:
    """How long ago, as people say it."""
    return t.of(*spoken(span))


def figure(value: float) -> str:
    """A number with as many places as it deserves: 1.26, 26.4, 263."""
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}".rstrip("0").rstrip(".")
