"""How long something lasts, as people say it: 7小时22分, 7 h 22 min."""

from datetime import timedelta

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


def spoken(span: timedelta) -> tuple[str, str]:
    """A span in Chinese and in English: its largest unit, with the next one where that still matters.

    What is below zero is nothing.
    """
    seconds = max(int(span.total_seconds()), 0)
    if seconds >= 7 * _DAY:
        return _said(seconds, _DAY, ("天", "d"))
    if seconds >= _DAY:
        return _said(seconds, _DAY, ("天", "d"), _HOUR, ("小时", "h"))
    if seconds >= _HOUR:
        return _said(seconds, _HOUR, ("小时", "h"), _MINUTE, ("分", "min"))
    if seconds >= 3 * _MINUTE or seconds in (_MINUTE, 2 * _MINUTE):
        return _said(seconds, _MINUTE, ("分钟", "min"))
    if seconds > _MINUTE:
        return _said(seconds, _MINUTE, ("分", "min"), 1, ("秒", "s"))
    return _said(seconds, 1, ("秒", "s"))


def _said(
    seconds: int, size: int, word: tuple[str, str], next_size: int = 0, next_word: tuple[str, str] = ("", "")
) -> tuple[str, str]:
    whole, rest = divmod(seconds, size)
    zh, en = f"{whole}{word[0]}", f"{whole} {word[1]}"
    smaller = rest // next_size if next_size else 0
    return (f"{zh}{smaller}{next_word[0]}", f"{en} {smaller} {next_word[1]}") if smaller else (zh, en)
