"""Invented people: names, households, leases. Drawn from a seed; nobody of them exists."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from anju.demo.plan import SEED, Home

_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
_GIVEN = (
    *("伟", "芳", "秀英", "敏", "静", "丽", "强", "磊", "洋", "艳", "勇", "军", "杰", "娟", "涛"),
    *("明", "超", "秀兰", "霞", "平", "刚", "桂英", "文", "辉", "玲", "华", "建国", "红", "玉梅", "志强"),
)
#: Number range that no operator assigns.
_PHONE = "1000000{:04d}"
_LEASE_YEARS = 5
#: Share of people who do not use the face reader: it is voluntary.
_NO_FACE = 0.2


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody registered in a home."""

    code: str
    #: The pseudonym that the lock reports.
    subject: str
    name: str
    phone: str
    adult: bool
    #: Ways in and how often each is used.
    methods: tuple[tuple[str, float], ...]
    #: Comings home on an ordinary day.
    rate: float


@dataclass(frozen=True, kw_only=True)
class Tenancy:
    """Who rents a home, and since when."""

    household: str
    lease: str
    people: tuple[Person, ...]
    starts_on: date
    ends_on: date
    elder_alone: bool


def tenancy(home: Home, anchor: date) -> Tenancy:
    """The invented tenants of a home; the same for the same home and anchor."""
    rng = np.random.default_rng([SEED, home.index, 1])
    adults = max(1, min(home.people, 1 + int(rng.binomial(2, 0.6))))
    surname = _SURNAMES[int(rng.integers(len(_SURNAMES)))]
    people = []
    for number in range(home.people):
        own = surname if number == 0 or rng.random() < 0.5 else _SURNAMES[int(rng.integers(len(_SURNAMES)))]
        face = 0.0 if rng.random() < _NO_FACE else 0.9
        people.append(
            Person(
                code=f"r-{home.place.code}-{number + 1}",
                subject="p-" + rng.bytes(5).hex(),
                name=own + _GIVEN[int(rng.integers(len(_GIVEN)))],
                phone=_PHONE.format(int(rng.integers(10_000))) if number < adults else "",
                adult=number < adults,
                methods=(("face", face), ("card", 0.95 - face), ("code", 0.05)),
                rate=float(rng.uniform(0.7, 1.5)),
            )
        )
    starts_on = anchor - timedelta(days=int(rng.integers(400, 1_500)))
    ends_on = starts_on.replace(year=starts_on.year + _LEASE_YEARS, day=min(starts_on.day, 28))
    return Tenancy(
        household=f"h-{home.place.code}",
        lease=f"HT-{starts_on.year}-{home.place.code}",
        people=tuple(people),
        starts_on=starts_on,
        ends_on=ends_on - timedelta(days=1),
        elder_alone=home.people == 1 and bool(rng.random() < 0.5),
    )
