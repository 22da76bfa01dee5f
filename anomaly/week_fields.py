"""The order of the numbers in a row of a week: what they mean is in `anomaly.weeks`."""

#: Stretches of the day in which water is told.
BLOCKS = ((0, 3), (3, 6), (6, 9), (9, 12), (12, 15), (15, 18), (18, 21), (21, 24))
_POWER_HOURS = tuple(f"power_{hour:02}" for hour in range(24))
_WATER_BLOCKS = tuple(f"water_{first:02}" for first, _ in BLOCKS)
_POWER = (
    "power_level",
    "power_base",
    "power_peak",
    "power_rough",
    "power_work",
    "power_spread",
    "power_alike",
)
_WATER = ("water_level", "water_still", "water_heavy", "water_spread")
#: Entries by registered people; by others; by others whom the reader knew again; and how.
ACCESS = (
    "known",
    "known_face",
    "known_code",
    "known_card",
    "known_people",
    "known_days",
    "foreign",
    "named",
    "people",
    "fresh_people",
    "foreign_days",
    "both_days",
    "office",
    "foreign_code",
    "openings",
)
_DAYS = ("energy_days", "water_days", "lock_days")
_LIFE = ("life_days", "quiet_days")
REGISTERED = ("heads", "joined", "left", "lease_began", "absent_days")
#: The order of a row.
FIELDS = (*_POWER, *_POWER_HOURS, *_WATER, *_WATER_BLOCKS, *ACCESS, *_DAYS, *_LIFE, *REGISTERED)
AT = {name: place for place, name in enumerate(FIELDS)}
METERS = slice(0, AT["known"])
LIFE = slice(AT["life_days"], AT["heads"])
REGISTER = slice(AT["heads"], len(FIELDS))
POWER_HOURS = slice(AT["power_00"], AT["power_23"] + 1)
WATER_BLOCKS = slice(AT["water_00"], AT["water_21"] + 1)
