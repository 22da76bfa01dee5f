"""A number of days as people say it."""

_ZH = "零一两三四五六七八九十"
_EN = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_UNITS = ((30, "个月", "month"), (7, "周", "week"))


def how_long(days: int) -> tuple[str, str]:
    """Whole months or weeks, up to ten, in words, else the days; zh and en."""
    for size, zh, en in _UNITS:
        count, rest = divmod(days, size)
        if not rest and 0 < count < len(_EN):
            return f"{_ZH[count]}{zh}", f"{_EN[count]} {en}{'s' if count > 1 else ''}"
    return f"{days}天", f"{days} day{'s' if days != 1 else ''}"
