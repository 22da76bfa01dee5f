"""Columns decide as rows do, one after the other."""

from functools import reduce

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ingest.conflict import Candidate, settle
from ingest.readings import ROW, Readings, pack, settled
from wire.quality import Quality

_CONFLICT, _UNPROVEN = int(Quality.CONFLICT), int(Quality.IDENTITY_UNPROVEN)

_row = st.tuples(
    st.integers(1, 2),
    st.integers(1, 2),
    st.sampled_from([0, _UNPROVEN, int(Quality.SOFT_LIMIT), _CONFLICT, _CONFLICT | _UNPROVEN]),
    st.sampled_from([101, 201]),
    st.integers(-1, 1),
    st.integers(0, 2),
    st.sampled_from([-1.5, 0.0, 7.0]),
)


def one_by_one(rows: list[tuple]) -> set[tuple]:
    by_key: dict[tuple, list[Candidate]] = {}
    for device_id, channel, quality, decoder, time_us, received_us, value in rows:
        found = Candidate(
            bool(quality & _UNPROVEN),
            value,
            received_us,
            quality & ~_CONFLICT,
            decoder,
            bool(quality & _CONFLICT),
        )
        by_key.setdefault((device_id, channel, time_us), []).append(found)
    decided = {key: reduce(settle, several) for key, several in by_key.items()}
    return {(d, ch, c.quality, c.decoder, t, c.received_us, c.value) for (d, ch, t), c in decided.items()}


@given(st.lists(_row, max_size=12))
def test_columns_decide_as_rows_do(rows: list[tuple]) -> None:
    found = settled(np.array(rows, ROW))
    assert len(found) == len({(d, ch, t) for d, ch, _, _, t, _, _ in rows})
    assert set(found.tolist()) == one_by_one(rows)


@given(st.lists(_row, max_size=8), st.lists(_row, max_size=8))
def test_batches_with_a_common_key_meet_and_others_do_not(one: list[tuple], other: list[tuple]) -> None:
    batches: list[Readings] = []
    for rows in (one, other):
        batches.append(Readings())
        batches[-1].extend([pack(*row) for row in rows])
    keys = [{(row[0], row[1], row[4]) for row in rows} for rows in (one, other)]
    assert batches[0].meets(batches[1]) == bool(keys[0] & keys[1])


def test_what_is_packed_comes_back() -> None:
    readings = Readings()
    assert not readings
    readings.add(
        device_id=2**31 - 1, channel=7, time_us=-1, value=-0.5, received_us=5, quality=258, decoder=101
    )
    assert readings.rows.tolist() == [(2**31 - 1, 7, 258, 101, -1, 5, -0.5)]
    assert (len(readings), readings.seen) == (1, 1)
