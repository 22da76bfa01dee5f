"""Typed policies with their dates and articles; calendars; the arithmetic of clocks and deadlines."""

from policy.book import Policy, PolicyBook, cities, load
from policy.errors import NotInForce, PolicyError, RuleRefused, UnknownCity

__all__ = [
    "NotInForce",
    "Policy",
    "PolicyBook",
    "PolicyError",
    "RuleRefused",
    "UnknownCity",
    "cities",
    "load",
]
