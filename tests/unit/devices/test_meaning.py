"""What fields mean that no rule names: by their words, their units, and what is said beside them."""

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from devices.decoders.fields import flatten
from devices.meaning import Meaning, read

SHANGHAI = ZoneInfo("Asia/Shanghai")
AT_US = 1_689_753_085_508_306


def meaning(found: object, about: str = "") -> Meaning:
    return read(flatten(found), {}, SHANGHAI, about=about)


def readings(found: object, about: str = "") -> dict[str, float]:
    return {one.channel: round(one.value, 4) for one in meaning(found, about).readings}


def events(found: object, about: str = "") -> dict[str, bool]:
    return {one.event: one.is_so for one in meaning(found, about).events}


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        # However a name is put together, and in several languages.
        ({"BatV": 3.118, "Hum_SHT": "51.7", "TempC_SHT": "25.2"}, (3.118, 51.7, 25.2)),
        ({"battery_voltage": 3.118, "relativeHumidity": 51.7, "airTemperature": 25.2}, (3.118, 51.7, 25.2)),
        ({"vdd": 3118, "Relative_Humidity_(%RH)": 51.7, "Temperature(°C)": 25.2}, (3.118, 51.7, 25.2)),
        ({"tension_batterie": 3.118, "humidité": 51.7, "température": 25.2}, (3.118, 51.7, 25.2)),
        ({"Batterie": "3.118V", "Luftfeuchte": "51.7 %", "Temperatur": "25.2 ℃"}, (3.118, 51.7, 25.2)),
        ({"电池": "3.118V", "湿度": 51.7, "温度": 25.2}, (3.118, 51.7, 25.2)),
    ],
)
def test_a_name_is_its_words(found: object, wanted: tuple[float, ...]) -> None:
    channels = ("battery_v", "humidity_pct", "temperature_c")
    assert readings(found) == dict(zip(channels, wanted, strict=True))


@pytest.mark.parametrize(
    "found",
    [
        {"water_volume_m3": 12.5},
        {"water_volume": 12.5, "water_volume_unit": "m³"},
        {"waterVolume": {"value": 12.5, "unit": "m3"}},
        {"water": {"Volume": {"data": "12.5", "unit": "m³"}}},
        {"values": [{"Type": "Water volume", "Unit": "m3", "Value": 12.5}]},
        {"measurements": [{"type": 7, "typeName": "water volume", "typeUnits": "[m3]", "value": 12.5}]},
        {"total_water_L": 12_500},
        {"water consumption": {"unit": "gal", "value": 3302.1506545}},
        {"totalWaterVolume": 12.5, "volumeUnit": "m³", "leak": None},
        {"waterMeterReading": 12.5, "unit": "m3"},
    ],
)
def test_a_unit_is_found_wherever_a_message_states_it(found: object) -> None:
    assert readings(found) == {"water_l": 12_500}


@pytest.mark.parametrize(
    ("name", "value", "unit", "wanted"),
    [
        ("active_energy", 71, "Wh", {"energy_kwh": 0.071}),
        ("active_energy", 1.5, "MWh", {"energy_kwh": 1_500}),
        ("heat_energy", 3.6, "GJ", {"heat_kwh": 1_000}),
        ("energy", 3.6, "GJ", {"heat_kwh": 1_000}),
        ("active_power", 2.3, "kW", {"power_w": 2_300}),
        ("voltage", 230_100, "mV", {"voltage_v": 230.1}),
        ("current", 200, "mA", {"current_a": 0.2}),
        ("flow", 0.651, "m³/h", {"flow_l_h": 651}),
        ("temperature", 72.5, "°F", {"temperature_c": 22.5}),
        ("temperature", 295.65, "K", {"temperature_c": 22.5}),
        ("humidity", 51, "%RH", {"humidity_pct": 51}),
        ("co2", 767, "ppm", {"co2_ppm": 767}),
        ("rssi", -91, "dBm", {"signal_dbm": -91}),
        # Another quantity's unit: then it is another quantity.
        ("active_energy", 71, "°C", {}),
        ("temperature", 71, "%", {}),
        ("motion", 330_440, "s", {}),
    ],
)
def test_a_unit_is_converted(name: str, value: float, unit: str, wanted: Mapping[str, float]) -> None:
    assert readings({name: {"value": value, "unit": unit}}) == wanted


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (3.6, {"battery_v": 3.6}),
        (3_600, {"battery_v": 3.6}),
        (98, {"battery_pct": 98}),
        # Volts or percent, empty or not measured, a code.
        (3, {}),
        (0, {}),
        (255, {}),
    ],
)
def test_a_battery_without_a_unit_is_what_it_alone_can_be(value: float, wanted: Mapping[str, float]) -> None:
    assert readings({"battery": value}) == wanted


@pytest.mark.parametrize(
    "found",
    [
        # Settings, and what a server was told.
        {"temperature_threshold": 30},
        {"targetTemperature": 21},
        {"config": {"humidity": 50}},
        {"battery_report_interval": 3_600},
        {"tempAlarmHighLevel": 60},
        # Of another time, or of a stretch of time.
        {"temperature_last_month_c": 20},
        {"max_power_kw": 4.8},
        {"average_temperature_1h_c": 20},
        # Not of the air.
        {"water_temperature": 12},
        {"flow_temperature_c": 55},
        {"temperatureBoard": 30},
        {"internalTemperature": 40},
        {"soil_temperature": 15},
        {"temperature": 15, "soil_moisture": 40},
        {"externalTemperature": 4},
        # Nobody's.
        {"wifi": [{"mac": "1c:c3:16:22:2d:f9", "rssi": -61}]},
        {"IAQ_CO2": "Very Good"},
        {"temperature": "NaN", "humidity": None, "battery": "null"},
        {"powerSourceStatus": 2, "Power": "0", "low_power": 1},
        # Amperes or milliamperes, and power that is summed up.
        {"current": 16},
        {"power_sum": 17},
    ],
)
def test_what_is_not_measured_now_and_here_is_no_reading(found: object) -> None:
    assert readings(found) == {}


@pytest.mark.parametrize(
    "found",
    [
        {"active_energy_import_t1": {"unit": "Wh", "value": 1_810}},
        {"total_energy_consumption_tariff_2_kwh": 18, "electricity": ""},
        {"energyTotalizerTariff0": {"unit": "kWh", "value": 5}},
        {"active_energy_last_month_kwh": 517},
        {"partial_active_energy_kwh": 534},
        {"negative_active_energy_kwh": 5},
        {"total_energy_production_kwh": 7.5, "electricity": ""},
        {"reactive_energy_kwh": 5},
        {"active_energy_a": {"unit": "Wh", "value": 256}},
        {"water_delta_m3": 0.1},
        {"water_backflow_m3": 0.1},
        {"water_total_m3": -1},
        {"total_cooling_energy_kwh": 9, "heat": 1},
    ],
)
def test_no_register_is_fed_from_less_than_the_present_total(found: object) -> None:
    assert readings(found) == {}


def test_the_total_is_taken_before_its_parts() -> None:
    found = {
        "total_energy_consumption_kwh": 376.1,
        "total_energy_consumption_l1_kwh": 120.6,
        "total_energy_consumption_l2_kwh": 140.2,
        "total_energy_consumption_l3_kwh": 115.3,
        "total_energy_consumption_tariff_1_kwh": 300,
        "voltage_l1_n_v": 231,
        "voltage_l1_l2_v": 400,
        "current_l1_a": 1.6,
        "current_l2_a": 1.7,
        "power_l1_kw": 0.32,
        "power_l2_kw": 0.36,
        "power_l3_kw": 0.28,
    }
    assert readings(found) == {"energy_kwh": 376.1, "voltage_v": 231, "current_a": 1.6, "power_w": 960}


def test_phases_may_stand_in_objects_of_their_own() -> None:
    phases = {
        f"phase_{letter}": {"power": power, "voltage": 230}
        for letter, power in (("a", 300), ("b", 200), ("c", 1))
    }
    assert readings(phases) == {"power_w": 501, "voltage_v": 230}


def test_all_tariffs_together_are_the_total() -> None:
    found = {"activeEnergyImportL123T1": {"data": 50_000, "unit": "Wh"}}
    assert readings(found) == {}
    assert readings(found | {"activeEnergyImportL123T2": {"data": 1_500, "unit": "Wh"}}) == {
        "energy_kwh": 51.5
    }


def test_two_totals_that_differ_are_none() -> None:
    found = [{"variable": "active_energy", "unit": "Wh", "value": value} for value in (0, 540)]
    assert readings(found) == {}


@pytest.mark.parametrize(
    ("medium", "channel"),
    [
        ("cold water", "water_l"),
        ("warm water", "hot_water_l"),
        ("gas", "gas_m3"),
        ("heat", None),
        ("waste water", None),
        ("dual register (hot/cold) water meter", None),
    ],
)
def test_a_volume_is_of_its_medium(medium: str, channel: str | None) -> None:
    found = readings({"total_m3": 2, "media": medium}, medium)
    assert set(found) == ({channel} if channel else set())


@pytest.mark.parametrize(("medium", "channel"), [("heat", "heat_kwh"), ("electricity", "energy_kwh")])
def test_energy_is_of_its_medium(medium: str, channel: str) -> None:
    assert readings({"total_kwh": 2, "media": medium}, medium) == {channel: 2}


def test_energy_beside_the_volume_of_a_carrier_is_heat() -> None:
    found = {"energy": 894, "energyUnit": "kWh", "volume": 26, "volumeUnit": "m³", "forwardTemperature": 80.7}
    assert readings(found) == {"heat_kwh": 894}


def test_a_heat_cost_allocator_counts_units() -> None:
    found = {"current_hca": 256, "previous_hca": 324, "base_hca": 7, "media": "heat cost allocation"}
    assert readings(found, "heat cost allocation") == {"heat_hca": 256}


@pytest.mark.parametrize(
    ("found", "about", "wanted"),
    [
        ({"WaterLeak": "NoLeak"}, "", {"water_leak": False}),
        ({"WaterLeak_1": "NoLeak", "WaterLeak_2": "Leak"}, "", {"water_leak": True}),
        ({"leakage_status": "leak"}, "", {"water_leak": True}),
        ({"flood": False, "boxTamper": True}, "", {"water_leak": False, "tamper": True}),
        ({"漏水状态": "漏水"}, "", {"water_leak": True}),
        ({"fuite": 0}, "", {"water_leak": False}),
        ({"water_detected": False}, "", {"water_leak": False}),
        ({"button_event": {"status": "short_press"}}, "", {"button_pressed": True}),
        ({"alarms": ["qmax", "leak"]}, "", {"water_leak": True}),
        ({"status": 1}, "browan Water Leak Sensor", {"water_leak": True}),
        ({"smokeAlarm": "Normal", "testButtonPressed": "Normal"}, "", {"smoke": False}),
        ({"FireAlarm": "Alarm", "testButtonPressed": True}, "", {"smoke": True, "smoke_test": True}),
        ({"gas_status": "alarm"}, "", {"gas": True}),
        ({"COAlarm": "Alarm", "CO": 20}, "", {"gas": True}),
        ({"pir": "trigger"}, "", {"motion": True}),
        ({"occupancy": "vacant"}, "", {"motion": False}),
        ({"region_1": "vacant", "region_2": "occupied"}, "", {"motion": True}),
        ({"roomPresence": "absent"}, "", {"motion": False}),
        ({"motion": 6}, "", {"motion": True}),
        ({"magnet_status": "close"}, "", {"door_opened": False}),
        ({"DOOR_OPEN_STATUS": 0}, "", {"door_opened": False}),
        ({"magnet_chn1": "opened", "magnet_chn2": "closed"}, "", {"door_opened": True}),
        ({"reed_switch_state": "Magnet Absent"}, "", {"door_opened": True}),
        ({"OnOff": 1}, "netvox R311A - Wireless Window Sensor", {"door_opened": True}),
        ({"operatingMode": "Door Sensor", "state": "Open"}, "", {"door_opened": True}),
        ({"press": "short"}, "", {"button_pressed": True}),
        ({"Alarm": 1}, "netvox R312A - Wireless Emergency Button", {"emergency_button": True}),
        ({"sos": True}, "", {"emergency_button": True}),
        ({"lowBatteryAlarm": "Alarm"}, "", {"battery_low": True}),
        ({"battery": "good"}, "", {"battery_low": False}),
        (
            {"status": "PERMANENT_ERROR POWER_LOW SABOTAGE_ENCLOSURE"},
            "water",
            {"battery_low": True, "tamper": True},
        ),
        ({"status": "ALARM LEAK_FLOW_HIGH"}, "water", {"water_leak": True}),
        ({"status": "OK"}, "smoke detector", {"smoke": False}),
        ({"status": "SMOKE MANUAL_TEST"}, "smoke detector", {"smoke": True, "smoke_test": True}),
    ],
)
def test_a_state_is_read_in_the_words_of_its_maker(
    found: object, about: str, wanted: Mapping[str, bool]
) -> None:
    assert events(found, about) == wanted


@pytest.mark.parametrize(
    ("found", "about"),
    [
        # Which of the two, or whether at all, is not said.
        ({"leakState": 2}, ""),
        ({"waterleak": 17}, ""),
        ({"contact": True}, ""),
        ({"reed_state": 1}, ""),
        ({"status": 1}, ""),
        ({"WaterLeak": "NoSensor"}, ""),
        ({"pir": "unavailable"}, ""),
        # How the device is, and what it may be told.
        ({"flags": "OK"}, "motion sensor"),
        ({"status": "NO_CONNECTION_TO_SMOKE_DETECTOR"}, "smoke detector"),
        ({"smokeSensorStatus": "Smoke sensor ok"}, ""),
        ({"PIR_Sensor_Failure": 0}, ""),
        ({"leak_alarm_enable": True}, ""),
        ({"motion_threshold": 1}, ""),
        ({"DOOR_OPEN_TIMES": 9_472, "LAST_DOOR_OPEN_DURATION": 1}, ""),
        # Of another time, or not of a flat.
        ({"status": "TAMPER_PREV_MONTH"}, "water"),
        ({"contents": "BACKFLOW LEAK_DATE"}, "water"),
        ({"motion_status": "moving", "latitude": 24.6}, ""),
        ({"occupied": True}, "nwave Smart Parking Sensor"),
        ({"CO": 20}, ""),
        ({"openWindow": False, "motorPosition": 506}, ""),
        ({"relay": "open", "valve": "open"}, ""),
        ({"sw1": "open"}, ""),
        ({"buttonPress": "Button not pressed"}, ""),
    ],
)
def test_what_is_not_clear_is_no_event(found: object, about: str) -> None:
    assert events(found, about) == {}


def test_each_value_of_a_series_has_its_own_time() -> None:
    found = {
        "temperature": 25.9,
        "samples": [
            {
                "date": "2023-07-19T07:51:25.508306410Z",
                "value": 25.7,
                "variable": "temperature",
                "unit": "Cel",
            },
            {"date": "2023-07-19T07:52:25.508306Z", "value": 25.9, "variable": "temperature", "unit": "Cel"},
        ],
    }
    assert [(one.value, one.at_us) for one in meaning(found).readings] == [
        (25.7, AT_US),
        (25.9, AT_US + 60_000_000),
    ]


def test_pairs_of_time_and_value_are_a_series() -> None:
    found = {"powers": [["2024-08-02T18:00:00.000Z", 4], ["2024-08-02T18:15:00.000Z", 8]]}
    assert [one.value for one in meaning(found).readings] == [4, 8]


@pytest.mark.parametrize(
    "time", [1_689_753_085.508306, 1_689_753_085_508.306, "2023-07-19T15:51:25.508306+08:00"]
)
def test_the_time_of_a_message_counts_where_it_says_one(time: object) -> None:
    (found,) = meaning({"timestamp": time, "temperature": 20}).readings
    assert found.at_us is not None
    assert abs(found.at_us - AT_US) < 1_000


@pytest.mark.parametrize("time", ["2023-07-19 07:51:25", "XXXX-XX-XXTXX:XX:XX.XXXZ", 4_711, None, True])
def test_a_time_that_is_none_is_left_to_the_report(time: object) -> None:
    (found,) = meaning({"timestamp": time, "temperature": 20}).readings
    assert found.at_us is None


def test_of_a_series_without_times_nothing_is_the_present_value() -> None:
    assert readings({"history": [{"temperature": 20}, {"temperature": 21}]}) == {}
    assert readings({"temperatures": [20, 21]}) == {}


@pytest.mark.parametrize(
    ("date", "at"),
    [
        ("2021-12-31", "2022-01-01T00:00:00+08:00"),
        ("2022-01-01", "2022-01-01T00:00:00+08:00"),
        ("2021-12-31 23:59", "2022-01-01T00:00:00+08:00"),
    ],
)
def test_a_value_of_a_set_date_is_of_that_month_end(date: str, at: str) -> None:
    (found,) = meaning({"target_date": date, "target_m3": 75.2, "media": "water"}, "water").readings
    assert (found.channel, found.value) == ("water_l", 75_200)
    assert found.at_us == datetime.fromisoformat(at).timestamp() * 1_000_000


def test_a_value_of_a_set_date_is_not_told_beside_the_present_one() -> None:
    found = {"target_date": "2021-12-31", "target_m3": 75.2, "total_m3": 80, "media": "water"}
    (one,) = meaning(found, "water").readings
    assert (one.value, one.at_us) == (80_000, None)


@pytest.mark.parametrize("date", ["2021-12-15", "no date", "9999-12-31"])
def test_a_set_date_within_a_month_could_be_two_moments(date: str) -> None:
    assert readings({"target_date": date, "target_m3": 75.2, "media": "water"}, "water") == {}


def test_a_device_that_tells_its_versions_has_started() -> None:
    assert events({"Device": "R311CA", "HWver": 11, "SWver": 10, "Datecode": "20200424"}) == {"online": True}
    assert events({"Cmd": "VersionRsp", "HWver": 11}) == {}
