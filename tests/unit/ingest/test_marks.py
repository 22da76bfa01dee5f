"""Which days of which homes must be derived again, against a plain loop."""

from hypothesis import given
from hypothesis import strategies as st

from devices.registry import FOREVER_US, Registry, Service
from ingest.binary import DAY_US
from ingest.store import keys, marks
from wire.channels import EVENTS

LARGEST = 2**31 - 1
UNITS = {(1, 1): 5, (1, 2): LARGEST, (2, 1): 5, (2, EVENTS): 6, (3, 2**15 - 1): 7}
REGISTRY = Registry(
    version=1,
    devices={},
    services={
        pair: [Service(unit_id=unit_id, from_us=-FOREVER_US, to_us=FOREVER_US)]
        for pair, unit_id in UNITS.items()
    },
)
_times = st.integers(-3, 3).map(lambda n: n * DAY_US) | st.integers(-(2**61), 2**61)
_key = st.tuples(st.integers(1, 3), st.sampled_from([1, 2, 9, 2**15 - 1]), _times)


def test_a_time_before_1970_marks_its_own_channel_and_no_other() -> None:
    found = marks(REGISTRY, readings=keys([(1, 2, -1), (1, 1, 0)]), events=[(2, -DAY_US)])
    assert found == {(LARGEST, 2, -1), (5, 1, 0), (6, EVENTS, -1)}


@given(st.lists(_key, max_size=20), st.lists(st.tuples(st.integers(1, 3), _times), max_size=5))
def test_each_day_of_each_home_is_marked_once(
    readings: list[tuple[int, int, int]], events: list[tuple[int, int]]
) -> None:
    several = readings + [(device_id, EVENTS, time_us) for device_id, time_us in events]
    assert marks(REGISTRY, readings=keys(readings), events=events) == {
        (UNITS[device_id, channel], channel, time_us // DAY_US)
        for device_id, channel, time_us in several
        if (device_id, channel) in UNITS
    }
