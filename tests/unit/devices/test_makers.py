"""Shapes of fields that makers' decoders put out, values made up: what is taken, and what must not be."""

import pytest

from devices.decoders.fields import flatten
from devices.meaning import Meaning, read
from tests.unit.devices.test_meaning import SHANGHAI


def meaning(found: object, about: str = "") -> Meaning:
    return read(flatten(found), {}, SHANGHAI, about=about)


def told(found: object, about: str = "") -> tuple[dict[str, float], dict[str, bool]]:
    meant = meaning(found, about)
    return (
        {one.channel: round(one.value, 4) for one in meant.readings},
        {one.event: one.is_so for one in meant.events},
    )


def test_what_is_delivered_by_the_flat_is_no_consumption() -> None:
    found = {
        "electricityDeliveredToClientT1": {"data": 32_000_000, "unit": "Wh"},
        "electricityDeliveredToClientT2": {"data": 38_000_000, "unit": "Wh"},
        "electricityDeliveredByClientT1": {"data": 155, "unit": "Wh"},
        "electricityDeliveredByClientT2": {"data": 0, "unit": "Wh"},
    }
    assert told(found) == ({"energy_kwh": 70_000}, {})


@pytest.mark.parametrize(
    ("found", "about", "channel"),
    [
        ({"energy": 894, "energyUnit": "kWh"}, "elvaco cmi4110", "heat_kwh"),
        ({"values": [{"Type": "Volume", "Value": 894, "Unit": "L"}]}, "kamstrup flowiq", "water_l"),
        ({"volume": {"value": 894, "unit": "L"}}, "diehl hydrus", "water_l"),
    ],
)
def test_a_product_that_measures_one_thing_names_its_medium(found: object, about: str, channel: str) -> None:
    assert told(found, about) == ({channel: 894}, {})


def test_a_device_on_the_mains_has_no_empty_battery() -> None:
    assert told({"batteryPercentage": 0, "batteryVoltage": 0, "temperature": 21})[0] == {"temperature_c": 21}
    assert told({"batteryPercentage": 0, "batteryVoltage": 2.1})[0]["battery_pct"] == 0


def test_a_press_may_be_told_as_how_often() -> None:
    assert told({"pressEvent": 3})[1] == {"button_pressed": True}
    assert told({"pressEvent": 0, "temperature": 21})[1] == {}
    assert told({"channel1State": "ON", "channel1ButtonOverrideStatus": "MANUAL ON"})[1] == {}


def test_whether_a_probe_is_plugged_in_is_no_leak() -> None:
    assert told({"floodDetectionWireState": True, "flood": False})[1] == {"water_leak": False}
    assert told({"leak_cable_connected": True, "temperature": 21})[1] == {}


def test_of_gas_neither_temperature_nor_leak_is_of_the_room_or_of_water() -> None:
    meter = {"gas_volume_m3": 8_123.4, "temperature_gas": 12.3, "leak": True}
    assert told(meter) == ({"gas_m3": 8_123.4}, {})
    assert told({"leak": True, "battery": 90}, "gas detector")[1] == {"gas": True}


def test_an_alarm_of_a_magnet_at_a_meter_is_tampering() -> None:
    found = {"total_liters": 90_344, "alarms": {"magnetic": True, "leakage": False}}
    assert told(found, "water meter") == ({"water_l": 90_344}, {"tamper": True, "water_leak": False})


@pytest.mark.parametrize(
    ("found", "about"),
    [
        ({"liters_per_pulse": 10, "pulse_count": 1_234}, "water meter"),
        ({"battery_capacity_mah": 2_400, "battery_cycles": 12, "battery_temperature": 25}, ""),
        ({"battery_current_ma": 12, "battery_energy_kwh": 2}, "power"),
        ({"leak_detect_event": {"volts": 1.2}}, ""),
        ({"total_yield_kwh": 12_345, "pv_power_w": 2_300}, "solar inverter"),
        ({"min_flow_l_h": 2, "max_flow_l_min": 8, "daily_volume_l": 12}, "water meter"),
        ({"fire_drill": True}, ""),
    ],
)
def test_what_stands_beside_a_measurement_is_none(found: object, about: str) -> None:
    assert told(found, about) == ({}, {})


def test_a_counter_reading_with_its_unit_is_a_register() -> None:
    found = {
        "activePower": 0.5,
        "activePowerUnit": "kW",
        "counterReading": 5_531,
        "counterReadingUnit": "kWh",
    }
    assert told(found, "") == ({"power_w": 500, "energy_kwh": 5_531}, {})


@pytest.mark.parametrize("name", ["flow_rate_l_min", "flowRate_lpm", "flow_l_min", "flow_lmin"])
def test_a_flow_rate_is_of_no_tariff_and_of_no_minimum(name: str) -> None:
    assert told({name: 2, "battery": 90})[0] == {"flow_l_h": 120, "battery_pct": 90}


def test_gas_that_is_also_told_as_energy_is_gas() -> None:
    found = {"gas_m3": 100.5, "gas_energy_kwh": 1_100}
    assert told(found, "gas meter")[0] == {"gas_m3": 100.5}


def test_a_field_called_gas_that_is_true_is_an_alarm() -> None:
    assert told({"gas": True, "gas_value": 12})[1] == {"gas": True}
    assert told({"gas": 1, "temperature": 21})[1] == {}


@pytest.mark.parametrize("name", ["energy_t²_kwh", "tariff_²_energy_kwh", "energy_t٣_kwh", "voltage_l²_v"])
def test_digits_that_are_no_numbers_do_no_harm(name: str) -> None:
    assert told({name: 12, "battery": 90})[0].get("battery_pct") == 90


def test_an_equivalent_of_carbon_dioxide_is_none() -> None:
    assert told({"CO2eq": 2_464, "eCO2": 900, "humidity": 30})[0] == {"humidity_pct": 30}


def test_a_voltage_that_only_a_cell_has_in_thousandths_is_the_supply() -> None:
    assert told({"voltage": 3_312, "humidity": 30})[0] == {"humidity_pct": 30, "battery_v": 3.312}
    assert told({"voltage": 2_310, "humidity": 30})[0] == {"humidity_pct": 30}
    assert told({"voltage": 3_312, "power": 30})[0].get("battery_v") is None


def test_signs_stand_for_to_the_flat_and_from_it() -> None:
    found = {"A+": 12_345.6, "A+_unit": "kWh", "A-": 12.3, "A-_unit": "kWh", "P+": 320, "P+_unit": "W"}
    assert told(found, "electricity meter") == ({"energy_kwh": 12_345.6, "power_w": 320}, {})


def test_a_heat_meters_temperatures_are_of_its_pipes() -> None:
    found = {
        "energy": {"value": 12.345, "unit": "MWh"},
        "volume": {"value": 512.1, "unit": "m3"},
        "rt_temp": {"value": 41, "unit": "°C"},
    }
    assert told(found, "heat meter") == ({"heat_kwh": 12_345}, {})


def test_a_charge_is_low_or_normal_in_several_languages() -> None:
    assert told({"电池": "正常"})[1] == {"battery_low": False}
    assert told({"batterie_faible": True})[1] == {"battery_low": True}


def test_a_mean_of_a_time_is_no_current_and_a_mean_of_phases_is() -> None:
    assert told({"averageAmps": 2.2, "maximumAmps": 3.3, "humidity": 30})[0] == {"humidity_pct": 30}
    assert told({"current_average_a": 2.2, "voltage_l1_v": 230})[0] == {"current_a": 2.2, "voltage_v": 230}


def test_an_input_of_a_door_sensor_does_not_say_what_closes_it() -> None:
    assert told({"digital": 1, "battery": 90}, "door sensor") == ({"battery_pct": 90}, {})
    assert told({"status": 1, "battery": 90}, "door sensor")[1] == {"door_opened": True}


def test_a_device_that_moves_has_seen_nobody() -> None:
    assert told({"accMotion": 5, "temperature": 21}) == ({"temperature_c": 21}, {})


def test_energy_beside_what_goes_and_comes_back_is_heat() -> None:
    found = {"energy_MWh": 4.321, "flow_m3h": 0.3, "supply_temp": 55, "return_temp": 33}
    assert told(found) == ({"heat_kwh": 4_321, "flow_l_h": 300}, {})


def test_air_over_soil_is_air() -> None:
    found = {"air_temperature": 21, "soil_temperature": 12}
    assert told(found)[0] == {"temperature_c": 21}
    assert told({"temperature": 21, "soil_moisture": 12})[0] == {}


def test_the_kind_of_an_event_may_say_what_happened() -> None:
    assert told({"event_type": "door_open"})[1] == {"door_opened": True}
    assert told({"event_type": "heartbeat", "battery": 90})[1] == {}
    assert told({"device_type": "door_open", "battery": 90})[1] == {}


def test_gas_in_words_is_an_alarm_and_in_numbers_a_concentration() -> None:
    assert told({"co": "alarm"})[1] == {"gas": True}
    assert told({"co": "1", "battery": 90})[1] == {}


def test_an_emergency_of_a_detector_is_no_press_of_a_button() -> None:
    assert told({"event_type": "Emergency", "critically_wet": True})[1] == {"water_leak": True}
    assert told({"event_type": "SOS"})[1] == {"emergency_button": True}
