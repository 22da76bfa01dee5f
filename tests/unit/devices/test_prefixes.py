"""A thousandth and a million in names of fields: m and M, where the case survives and where not."""

import pytest

from devices.decoders.fields import flatten
from devices.meaning import read
from tests.unit.devices.test_meaning import SHANGHAI

SOCKET = {"voltage": 230, "active_power_W": 12}


def readings(found: dict[str, object], about: str = "") -> dict[str, float]:
    meant = read(flatten(found), {}, SHANGHAI, about=about)
    return {one.channel: round(one.value, 9) for one in meant.readings}


@pytest.mark.parametrize(
    ("name", "value", "channel", "wanted"),
    [
        ("energy_mWh", 123_456, "energy_kwh", 0.123456),
        ("energy_MWh", 1.5, "energy_kwh", 1_500),
        ("energyMWh", 1.5, "energy_kwh", 1_500),
        ("total_energy_consumption_mWh", 5_000, "energy_kwh", 0.005),
        # In one case alone only what the number leaves open is taken.
        ("energy_mwh", 250_000, "energy_kwh", 0.25),
        ("voltage_mV", 230_000, "voltage_v", 230),
        ("voltage_mv", 230_000, "voltage_v", 230),
        ("current_mA", 67, "current_a", 0.067),
        ("current_ma", 67, "current_a", 0.067),
    ],
)
def test_a_prefix_in_a_name_is_read_in_its_case(name: str, value: float, channel: str, wanted: float) -> None:
    assert readings({**SOCKET, name: value})[channel] == wanted


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("power_mW", 2_500, 2.5),
        ("power_MW", 0.0025, 2_500),
        ("power_mw", 2_500, 2.5),
        ("power_kW", 2.5, 2_500),
    ],
)
def test_a_power_in_thousandths_is_no_megawatt(name: str, value: float, wanted: float) -> None:
    assert readings({"voltage": 230, name: value})["power_w"] == wanted


@pytest.mark.parametrize("name", ["energy_mwh", "ENERGY_MWH", "energyMwh", "power_mw", "POWER_MW"])
@pytest.mark.parametrize("value", [0.5, 0.25])
def test_a_prefix_whose_case_is_lost_and_whose_number_fits_both_is_neither(name: str, value: float) -> None:
    assert not {"energy_kwh", "power_w"} & readings({"voltage": 230, name: value}).keys()


@pytest.mark.parametrize("unit", ["mWh", "MWh", "mwh"])
def test_a_stated_unit_is_read_in_its_case(unit: str) -> None:
    wanted = {"mWh": 0.004, "MWh": 4e6}.get(unit)
    found = readings({**SOCKET, "active_energy": {"value": 4_000, "unit": unit}})
    assert found.get("energy_kwh") == wanted


@pytest.mark.parametrize(("name", "litres"), [("water_volume_ml", 1), ("water_volume_kL", 1e6)])
def test_parts_and_thousands_of_litres(name: str, litres: float) -> None:
    assert readings({name: 1_000}) == {"water_l": litres}
