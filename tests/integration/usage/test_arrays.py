import numpy as np

from storage.pool import Connection
from tests.integration.usage.meters import WATER, at, hourly, make_meter, make_unit, tell, work_off
from usage.arrays import load
from usage.series import NEVER_H


def test_hours_stand_in_the_order_of_units_and_days(connection: Connection) -> None:
    first, silent, last = (make_unit(connection, code=code) for code in ("E1", "E2", "E3"))
    for unit, step in ((first, 1), (last, 5)):
        device = make_meter(connection, unit, "water-register")
        tell(connection, device, hourly([step * n for n in range(72)]))
    work_off(connection)
    hours = load(
        connection,
        unit_ids=[last, silent, first],
        channel=WATER,
        first=at(1).date(),
        last=at(4).date(),
    )
    assert hours.amount.shape == hours.covered_min.shape == hours.lag_h.shape == (3, 96)
    assert (hours.amount.dtype, hours.covered_min.dtype) == (np.float32, np.int16)
    np.testing.assert_array_equal(hours.amount[0, :47], np.full(47, 5))
    np.testing.assert_array_equal(hours.amount[2, :47], np.full(47, 1))
    assert np.isnan(hours.amount[:, 47:]).all()
    assert np.isnan(hours.amount[1]).all()
    assert (hours.lag_h[1] == NEVER_H).all()
    assert (hours.covered_min[0, :47] == 60).all()
    assert not hours.covered_min[:, 47:].any()


def test_other_channels_and_days_are_not_mixed_in(connection: Connection) -> None:
    unit = make_unit(connection)
    device = make_meter(connection, unit, "water-register")
    tell(connection, device, hourly(range(72)))
    work_off(connection)
    energy = load(connection, unit_ids=[unit], channel=1, first=at(0).date(), last=at(2).date())
    assert np.isnan(energy.amount).all()
    nothing = load(connection, unit_ids=[], channel=WATER, first=at(0).date(), last=at(0).date())
    assert nothing.amount.shape == (0, 24)
