"""Real water registers with their resets, jumps and gaps: what nobody made up."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from usage.derive import derive
from usage.series import DAY_US, HOUR_US, Derived, FaultKind, Floats, Ints, Readings, Segment
from wire.forms import Form

SEGMENT = Segment(device_id=1, valid_from_us=0, valid_to_us=2**62, form=Form(kind="register"), multiplier=1.0)
MOST = 5_000.0


@dataclass(frozen=True, kw_only=True)
class Household:
    """One register, and the publisher's own differences."""

    time_us: Ints
    register: Floats
    litres: Floats

    def derived(self) -> Derived:
        first, last = int(self.time_us[0]) // DAY_US, int(self.time_us[-1]) // DAY_US
        readings = Readings(
            device_id=np.ones_like(self.time_us),
            time_us=self.time_us,
            received_us=self.time_us + HOUR_US,
            value=self.register,
            quality=np.zeros(self.time_us.size, np.int16),
        )
        return derive(readings, [SEGMENT], first_day=first, days=last - first + 1, max_per_hour=MOST)


@pytest.fixture(scope="module")
def households(shared: Path) -> dict[int, Household]:
    table = pq.read_table(shared / "data" / "water_daiad_hourly.parquet").sort_by(
        [("household", "ascending"), ("ts", "ascending")]
    )
    found: dict[int, Household] = {}
    for number in pc.unique(table["household"]).to_pylist():
        rows = table.filter(pc.equal(table["household"], number))
        found[number] = Household(
            time_us=rows["ts"].cast(pa.timestamp("us", "UTC")).cast("int64").to_numpy(),
            register=rows["reading_l"].to_numpy().astype(np.float64),
            litres=rows["litres"].to_numpy().astype(np.float64),
        )
    return found


def test_every_register_counts_what_it_changed_by(households: dict[int, Household]) -> None:
    """Real falls are counted apart; nothing here ever rises impossibly for good."""
    assert len(households) == 64
    for number, household in households.items():
        found = household.derived()
        falls = sum(
            fault.before - fault.after
            for fault in found.faults
            if fault.kind in {FaultKind.back_jump, FaultKind.reset}
        )
        change = household.register[-1] - household.register[0]
        assert np.nansum(found.amount) == pytest.approx(change + falls), number


def test_sums_agree_with_the_publishers_own_good_differences(households: dict[int, Household]) -> None:
    """Where the publisher has neither a fall nor a jump, the sums are the same to the litre."""
    same = 0
    for number, household in households.items():
        found = household.derived()
        if found.faults or (household.litres < 0).any() or (household.litres >= 2_000).any():
            continue
        own, litres = np.diff(household.register), household.litres[1:]
        seam = own != litres  # one row, where the publisher joined two files
        assert seam.sum() <= 1
        assert np.nansum(found.amount) == pytest.approx(litres[~seam].sum() + own[seam].sum()), number
        same += 1
    assert same >= 40


def test_nothing_is_negative_and_no_fault_makes_a_spike(households: dict[int, Household]) -> None:
    """The largest hour of 64 homes in a year is a bath and a garden, not a register."""
    for household in households.values():
        amount = household.derived().amount
        known = amount[~np.isnan(amount)]
        assert (known >= 0).all()
        assert known.max() < 1_000


def test_faults_that_are_known_to_be_there_are_found(households: dict[int, Household]) -> None:
    found = {number: household.derived() for number, household in households.items()}
    kinds = {number: [fault.kind for fault in one.faults] for number, one in found.items()}
    # two registers told in turns under one number for some hours
    assert kinds[51].count(FaultKind.glitch) >= 6
    # 12,288 litres less in one reading, back in the next
    assert kinds[15].count(FaultKind.glitch) == 3
    # water that runs back, a litre or two at a time
    assert kinds[19].count(FaultKind.glitch) > 100
    assert FaultKind.back_jump in kinds[40]
    assert sum(map(len, kinds.values())) < 400


def test_most_hours_are_measured(households: dict[int, Household]) -> None:
    found = [household.derived() for household in households.values()]
    covered = np.concatenate([one.covered_min.ravel() for one in found])
    known = np.concatenate([~np.isnan(one.amount).ravel() for one in found])
    assert (covered >= 50).mean() > 0.8
    assert known.mean() > 0.99
