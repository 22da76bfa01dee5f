"""What is wrong with a request, field by field, in both languages; never what was sent."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypedDict

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from api.fields import DECIMAL, NO_NUL

#: pydantic's kind of error → texts; {…} are its limits.
_TEXTS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "missing": ("必填", "is missing"),
        "extra_forbidden": ("不认识此项", "is not known"),
        "int_parsing": ("须为整数", "must be a whole number"),
        "int_type": ("须为整数", "must be a whole number"),
        "int_from_float": ("须为整数", "must be a whole number"),
        "string_type": ("须为文字", "must be text"),
        "string_too_long": ("不得超过{max_length}个字", "must not be longer than {max_length}"),
        "string_too_short": ("至少{min_length}个字", "must be at least {min_length} long"),
        "greater_than_equal": ("不得小于{ge}", "must not be below {ge}"),
        "less_than_equal": ("不得大于{le}", "must not be above {le}"),
        "literal_error": ("须为其中之一：{expected}", "must be one of {expected}"),
        "timezone_aware": ("时间须带时区", "must be a time with a zone"),
        "json_invalid": ("不是有效的JSON", "is not JSON"),
        "string_pattern_mismatch": ("格式不对", "is not written as it must be"),
    }
)
#: Pattern → what it is about.
_PATTERNS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        NO_NUL: ("含有不能保存的字符", "holds a character that cannot be stored"),
        DECIMAL: ("须为数字，如 12.5", "must be a number such as 12.5"),
    }
)
_OTHER = ("不合要求", "is not valid")
_KINDS = (
    ("date_", "须为日期，如2026-11-24", "must be a date such as 2026-11-24"),
    ("datetime_", "须为带时区的时间，如2026-11-24T08:00:00Z", "must be a time such as 2026-11-24T08:00:00Z"),
    ("bool_", "须为true或false", "must be true or false"),
)


class Fault(TypedDict):
    """Where something is wrong, and what."""

    where: list[str]
    zh: str
    en: str


def faults(error: RequestValidationError | ValidationError) -> list[Fault]:
    """One entry a fault: where it is and what is wrong."""
    return [_fault(dict(one)) for one in error.errors()]


def _fault(one: Mapping[str, object]) -> Fault:
    kind, location, context = str(one["type"]), one.get("loc"), one.get("ctx")
    limits = context if isinstance(context, Mapping) else {}
    zh, en = _PATTERNS.get(str(limits.get("pattern"))) or _TEXTS.get(kind) or _by_prefix(kind)
    try:
        zh, en = zh.format_map(limits), en.format_map(limits)
    except KeyError:
        zh, en = _OTHER
    return {
        "where": [str(part) for part in location] if isinstance(location, tuple) else [],
        "zh": zh,
        "en": en,
    }


def _by_prefix(kind: str) -> tuple[str, str]:
    return next(((zh, en) for prefix, zh, en in _KINDS if kind.startswith(prefix)), _OTHER)
