"""What becomes of OBIS values."""

import json
from contextlib import suppress
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.decoders.obis import parse
from devices.decoders.reports import DecodeError, Report
from devices.mapping import element
from devices.profiles import load_profiles
from wire.channels import BY_CODE
from wire.reasons import Reason

#: A house that also feeds in, read over its infrared port; the codes with 96 to 100 are past periods.
HOUSE = {
    "1-0:1.8.0_255": "10098.4976",
    "1-0:2.8.0_255": "254.3488",
    "1-0:16.7.0_255": "390",
    "1-0:32.7.0_255": "229.8",
    "1-0:52.7.0_255": "227.2",
    "1-0:31.7.0_255": "1.75",
    "1-0:1.8.0_96": "3.6",
    "1-0:1.8.1_255": "77.1",
    "1-0:1.8.0_100": "10098.4",
}


def report(found: object, topic: str = "obis") -> Report:
    (one,) = parse(topic, json.dumps(found).encode(), {}).reports
    return one


def readings(found: object, profile: str) -> dict[str, float]:
    meant = element(report(found), load_profiles()[profile], UTC)
    assert meant.refusal is None
    return {BY_CODE[reading.channel].name: round(reading.value, 6) for reading in meant.readings}


def test_of_a_house_that_feeds_in_the_use_is_taken_the_phases_first() -> None:
    assert readings(HOUSE, "obis-electricity") == {
        "energy_kwh": 10098.4976,
        "power_w": 390,
        "voltage_v": 229.8,
        "current_a": 1.75,
    }


@pytest.mark.parametrize(
    "written", ["1-0:1.8.0", "1-0:1.8.0*255", "1-0:1.8.0_255", "1.8.0", "1.8", "1-0:1.8.0.255"]
)
def test_a_code_is_the_same_however_it_is_written(written: str) -> None:
    assert report({written: 7}).fields == {"1-0:1.8.0": 7.0}


def test_a_stated_unit_counts() -> None:
    assert readings({"1-0:1.8.0": {"value": 12_345, "unit": "Wh"}}, "obis-electricity") == {
        "energy_kwh": 12.345
    }


@pytest.mark.parametrize("value", ["1234.5*kWh", "001234.5 kWh", "1234.5kWh", "1234500*Wh", "+1234.5 * kWh"])
def test_a_value_with_its_unit_behind_it_is_not_refused(value: str) -> None:
    for said in (value, {"value": value}):
        assert readings({"1-0:1.8.0": said}, "obis-electricity") == {"energy_kwh": 1234.5}


def test_a_unit_beside_a_value_counts_before_the_one_in_it() -> None:
    assert readings({"1.8.0": {"value": "7*kWh", "unit": "Wh"}}, "obis-electricity") == {"energy_kwh": 0.007}


def test_tariffs_without_their_sum_are_not_refused() -> None:
    found = {"1.8.1": "100.1*kWh", "1.8.2": "200.2*kWh", "1.8.3": "0.3*kWh", "2.8.1": "5*kWh"}
    assert readings(found, "obis-electricity") == {"energy_kwh": 300.6}
    assert report(found).fields["1-0:1.8.0"] == 300.6
    assert report({"1.8.1": 1000, "1.8.2": 2000}).fields["1-0:1.8.0"] == 3000


def test_the_meter_s_own_sum_counts_before_ours() -> None:
    assert readings({"1.8.0": 7, "1.8.1": 1, "1.8.2": 2}, "obis-electricity") == {"energy_kwh": 7}


@pytest.mark.parametrize(
    "found",
    [
        {"1.8.1": 1},
        {"1.8.1": 1, "1.8.3": 2},
        {"1.8.2": 1, "1.8.3": 2},
        {"1.8.1": "1*kWh", "1.8.2": "2*Wh"},
        {"1.8.1": "1*kWh", "1.8.2": 2},
        {"1.8.1": 1, "1.8.2": "?"},
    ],
)
def test_tariffs_of_which_one_may_be_missing_have_no_sum(found: dict[str, object]) -> None:
    assert "1-0:1.8.0" not in report(found).fields


def test_volumes_are_cubic_metres_where_no_unit_is_stated() -> None:
    found = {"8-0:1.0.0": 12.5, "9-0:1.0.0": 3.25, "7-0:3.0.0": 100, "6-0:1.0.0": 8}
    assert readings(found, "obis-utility") == {
        "water_l": 12_500,
        "hot_water_l": 3_250,
        "gas_m3": 100,
        "heat_kwh": 8,
    }


def test_the_topic_says_which_child_it_is() -> None:
    assert report({"1.8.0": 1}).address is None
    assert report({"1.8.0": 1}, "obis/1ESY116/values").address == "1ESY116"


def record(value: float, unit: str, **more: object) -> dict[str, object]:
    return {
        "Function": "Instantaneous value",
        "StorageNumber": 0,
        "Tariff": 0,
        "Device": 0,
        "Unit": {"Exp": 1000, "Unit": unit, "Type": 7, "VIFUnitDesc": ""},
        "Value": value,
        "RawValue": value,
        **more,
    }


def mbus(medium: str, *records: dict[str, object]) -> dict[str, object]:
    return {
        "SerialNumber": 10000000,
        "Manufacturer": "ZRI",
        "DeviceType": medium,
        "DataRecords": list(records),
    }


def test_of_wired_mbus_only_what_is_measured_now_is_taken() -> None:
    found = mbus(
        "Heat: Outlet",
        record(1_000, "none"),
        record(99_000, "WH", StorageNumber=1),
        record(98_000, "WH", Tariff=1),
        record(97_000, "WH", Function="Maximum value"),
        record(11_111, "WH"),
        record(5.5, "m^3"),
    )
    assert readings(found, "obis-utility") == {"heat_kwh": 11.111}
    assert report(found).address == "10000000"


def test_the_water_of_wired_mbus_is_cold_or_hot_by_its_medium() -> None:
    assert readings(mbus("Water", record(5.5, "m^3")), "obis-utility") == {"water_l": 5_500}
    assert readings(mbus("Warm Water", record(5.5, "m^3")), "obis-utility") == {"hot_water_l": 5_500}


@pytest.mark.parametrize(
    "found", [{}, {"colour": 1}, {"1-0:1.8.0_96": 5}, {"1-0:1.8.0": None}, mbus("Oil", record(1, "WH"))]
)
def test_without_a_code_of_now_nothing_is_known(found: object) -> None:
    with pytest.raises(DecodeError) as refused:
        report(found)
    assert refused.value.refusal.reason is Reason.nothing_known


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)


@given(
    st.binary(max_size=100)
    | st.dictionaries(
        st.sampled_from(["1.8.0", "1-0:1.8.0_255", "DataRecords", "DeviceType", "SerialNumber"]), ANY
    ).map(lambda found: json.dumps(found).encode())
    | st.lists(ANY, max_size=3).map(lambda found: json.dumps(mbus("Water") | {"DataRecords": found}).encode())
)
def test_no_bytes_stop_the_parser(payload: bytes) -> None:
    with suppress(DecodeError):
        parse("obis/x", payload, {})
