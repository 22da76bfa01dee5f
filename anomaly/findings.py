"""What a detector answers: a lead with its evidence in words and numbers, never a finding of fact.

Words say what was seen, over which time, against what; they accuse nobody
(docs/glossary.md, "How it is said").
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol


class ScoreRules(Protocol):
    """How weights become a score; `policy.groups.Bands` is one."""

    @property
    def prior_logit(self) -> float: ...
    @property
    def weight_logit(self) -> float: ...


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """One sentence for or against, with the numbers in it."""

    code: str
    #: -3 to 3; 0: a source that is missing or says nothing.
    weight: int
    zh: str
    en: str
    #: energy, water, door, register (what the office knows).
    source: str
    first: date | None = None
    last: date | None = None
    #: What the sentence says, for programs: amounts, and days and moments in ISO 8601.
    numbers: Mapping[str, float | str] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        """The shape in which signals and leads keep it."""
        return {
            "code": self.code,
            "weight": self.weight,
            "zh": self.zh,
            "en": self.en,
            "source": self.source,
            "from": None if self.first is None else self.first.isoformat(),
            "to": None if self.last is None else self.last.isoformat(),
            "numbers": dict(self.numbers),
        }


@dataclass(frozen=True, kw_only=True)
class Unknown:
    """Something that is not known and that a person may find out."""

    zh: str
    en: str


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One detector's answer for one unit as of one moment."""

    #: Position of the unit in the block.
    unit: int
    kind: str
    since: datetime
    #: The claimed start is right within so many days.
    since_pm_days: float
    #: 0 to 1, comparable within a kind.
    score: float
    #: The first is the sentence shown on top.
    evidence: tuple[Evidence, ...]
    #: Source -> (days with data, days looked at).
    known: Mapping[str, tuple[int, int]]
    unknown: tuple[Unknown, ...]
    #: The moment at which it could first be known; None: the evening as of which it was found.
    at: datetime | None = None

    def quality(self) -> dict[str, object]:
        """What data the finding rests on, in the shape in which signals and leads keep it."""
        return {
            "sources": {
                name: {"known_days": known, "days": days} for name, (known, days) in self.known.items()
            },
            "unknown": [{"zh": item.zh, "en": item.en} for item in self.unknown],
        }


def score(evidence: Iterable[Evidence], rules: ScoreRules) -> float:
    """Logistic of the prior plus the weights, each worth the same."""
    logit = rules.prior_logit + rules.weight_logit * sum(item.weight for item in evidence)
    return 1 / (1 + math.exp(-logit))
