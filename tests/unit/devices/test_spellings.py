"""Spellings of many makers, and what each means: names as their decoders put them, values made up."""

from collections.abc import Mapping

import pytest

from devices.decoders.fields import flatten
from devices.meaning import Meaning, read
from tests.unit.devices.test_meaning import SHANGHAI


def meaning(found: object, about: str) -> Meaning:
    return read(flatten(found), {}, SHANGHAI, about=about)


@pytest.mark.parametrize(
    ("found", "about", "wanted"),
    [
        # A register: its unit and medium stand anywhere.
        ({"CurrentVolume": 12.5, "CurrentVolumeUnit": "m3", "LogVolume": 10.1}, "water", {"water_l": 12_500}),
        ({"currentVolume": {"value": 12.5, "unit": "m³"}}, "cold water", {"water_l": 12_500}),
        ({"indexLiters": 12_500, "alarms": {"reverseFlow": False}}, "water", {"water_l": 12_500}),
        ({"pulse_1": {"medium": "water", "value": {"value": 12_500, "unit": "L"}}}, "", {"water_l": 12_500}),
        ({"forward_flow_m3": 12.5, "reverse_flow_m3": 0.2}, "water meter", {"water_l": 12_500}),
        ({"totalFlow": 12.5, "totalFlowUnit": "m3", "flowRate": 1}, "water", {"water_l": 12_500}),
        ({"累计流量": 12.5, "累计流量单位": "m³"}, "水表", {"water_l": 12_500}),
        ({"Wasserzähler": {"Stand": 12.5, "Einheit": "m³"}}, "", {"water_l": 12_500}),
        ({"conso_eau": {"valeur": 12.5, "unité": "m3"}}, "", {"water_l": 12_500}),
        ({"water_volume_dm3": 12_500}, "", {"water_l": 12_500}),
        ({"eau_froide_m3": 12.5, "eau_chaude_m3": 4.5}, "", {"water_l": 12_500, "hot_water_l": 4_500}),
        ({"Gaszähler_m3": 120.1}, "", {"gas_m3": 120.1}),
        ({"usage": {"gas": {"volume": {"value": 120.1, "unit": "m3"}}}}, "", {"gas_m3": 120.1}),
        ({"Zählerstand_kWh": 512.4, "Leistung_W": 320}, "Stromzähler", {"energy_kwh": 512.4, "power_w": 320}),
        ({"consommation_kWh": 512.4}, "compteur électrique", {"energy_kwh": 512.4}),
        ({"正向有功总电能": {"value": 512.4, "unit": "kWh"}}, "", {"energy_kwh": 512.4}),
        ({"import_kwh": 512.4, "export_kwh": 4.5}, "", {"energy_kwh": 512.4}),
        ({"sumPositiveActiveEnergyWh": 512_400, "sumNegativeActiveEnergyWh": 0}, "", {"energy_kwh": 512.4}),
        ({"Energie_kWh": 12}, "Wärmezähler", {"heat_kwh": 12}),
        ({"Wärmemenge_MWh": 12, "Vorlauf": 60, "Rücklauf": 40}, "", {"heat_kwh": 12_000}),
        ({"energy": {"value": 12, "unit": "MWh"}, "volume_m3": 6}, "heat", {"heat_kwh": 12_000}),
        ({"heatEnergyE1": {"value": 12, "unit": "MWh"}, "coolingEnergyE3": {"value": 1, "unit": "MWh"}}, "",
         {"heat_kwh": 12_000}),
        ({"reading": 120.1, "readingUnit": "m3", "meterType": "gas"}, "", {"gas_m3": 120.1}),
        # Nothing says whether it is heat: a module of a heat meter sends no more than that.
        ({"energy": 894_137, "energyUnit": "kWh", "meterId": 70_969_798}, "", {}),
        # Phases and tariffs.
        ({f"L{line}": {"energy": {"value": line, "unit": "kWh"}, "voltage": 230} for line in (1, 2, 3)}, "",
         {"energy_kwh": 6, "voltage_v": 230}),
        ({f"phase{phase}": {"activeEnergy_Wh": 1_000} for phase in "ABC"}, "", {"energy_kwh": 3}),
        ({"active_energy_phase_a_kwh": 1, "active_energy_phase_b_kwh": 2}, "", {}),
        ({"energyTariff0": {"value": 5, "unit": "kWh"}, "energyTariff1": {"value": 2, "unit": "kWh"}},
         "electricity", {"energy_kwh": 5}),
        ({"energyTariff0": {"value": 5, "unit": "kWh"}, "energyTariff1": {"value": 9, "unit": "kWh"}},
         "electricity", {}),
        ({f"importL{line}T{rate}_kWh": line + rate for line in (1, 2) for rate in (1, 2)}, "", {}),
        # A scale that is not told to multiply or divide by; hours that may be amounts.
        ({"water_m3_x1000": 1_234}, "", {}),
        ({"hourly_volumes": [{"time": "2026-11-24T10:00:00Z", "volume_m3": 12.3}]}, "water", {}),
        # Gauges.
        ({"temperature": {"current": 21.5, "min": 20, "max": 22}}, "", {"temperature_c": 21.5}),
        ({"temperature": {"celsius": "21,5"}}, "", {"temperature_c": 21.5}),
        ({"humidity": {"percent": 40}}, "", {"humidity_pct": 40}),
        ({"temp_in": 21.5, "temp_out": 3.2}, "", {"temperature_c": 21.5}),
        ({"battery": {"level": 80, "unit": "%"}}, "", {"battery_pct": 80}),
        ({"battery": {"voltage": 3.6}}, "", {"battery_v": 3.6}),
        ({"voltage": {"l1": 230, "l2": 231, "l3": 229}, "power": {"l1": 100, "l2": 200, "l3": 300}}, "",
         {"voltage_v": 230, "power_w": 600}),
        ({"in1_ac_A": 3.5, "in2_ac_A": 4.5, "sum_in12_ac_A": 8}, "", {"current_a": 3.5}),
        ({"name": "CO2 sensor", "ppm": 528}, "", {"co2_ppm": 528}),
        ({"co2": {"ppm": 528}}, "", {"co2_ppm": 528}),
        ({"ppm": 528}, "", {}),
        ({"water": {"ppm": 528}}, "CO2", {}),
        ({"battery": {"temperature": 25, "cycles": 12, "id": 80}}, "", {}),
        ({"water": {"temperature": {"celsius": 12}}}, "", {}),
        ({"eCO2": 528}, "", {}),
        ({"Active_Power(W)": 300, "Voltage(V)": 231, "Current(A)": 1.3}, "",
         {"power_w": 300, "voltage_v": 231, "current_a": 1.3}),
    ],
)  # fmt: skip
def test_a_quantity_as_makers_spell_it(found: object, about: str, wanted: Mapping[str, float]) -> None:
    assert {one.channel: round(one.value, 4) for one in meaning(found, about).readings} == wanted


@pytest.mark.parametrize(
    ("found", "about", "wanted"),
    [
        # Doors and windows.
        ({"DoorOpen": True, "DoorOpenLastDuration_mins": 3}, "", {"door_opened": True}),
        ({"doorClosed": {"value": True, "unit": "bool"}}, "", {"door_opened": False}),
        ({"Contact_Switch": "Open"}, "", {"door_opened": True}),
        ({"window_detection": "open"}, "", {"door_opened": True}),
        ({"doorDetection": "enabled"}, "", {}),
        ({"window_detection": "open", "setpoint": 21}, "", {}),
        ({"window_state": "tilted"}, "", {"door_opened": True}),
        ({"window": "0"}, "", {"door_opened": False}),
        ({"Tür": "offen"}, "", {"door_opened": True}),
        ({"porte": "fermée"}, "", {"door_opened": False}),
        ({"门磁状态": "打开"}, "", {"door_opened": True}),
        ({"isClosed": 1}, "door contact", {"door_opened": False}),
        ({"EVENT": "Door/Window: Closed"}, "", {"door_opened": False}),
        ({"status1": 1}, "2-Input Dry Contact Interface", {}),
        ({"valveState": "open", "state": "open"}, "", {}),
        ({"device": {"door": "open", "status": 1}}, "leak sensor", {"door_opened": True}),
        ({"DoorReport": {"value": False}, "DoorAlarm": {"value": True}}, "", {"door_opened": False}),
        ({"window_alarm": 0}, "", {}),
        ({"status": "OPEN"}, "valve controller", {}),
        # Water.
        ({"water_presence": True}, "", {"water_leak": True}),
        ({"event_type": "WATER", "water_status": "Water present"}, "", {"water_leak": True}),
        ({"moisture": "dry"}, "leak", {"water_leak": False}),
        ({"probe": "wet"}, "", {}),
        ({"sensor1": "wet", "sensor2": "dry"}, "water leak", {"water_leak": True}),
        ({"inondation": "non"}, "", {"water_leak": False}),
        ({"payload": {"flood": "ok"}}, "", {"water_leak": False}),
        ({"message": "No leak"}, "", {"water_leak": False}),
        ({"StatusCode": "Leakage, Low battery"}, "water meter", {"water_leak": True, "battery_low": True}),
        ({"status": "leak sensor error"}, "", {}),
        ({"counterValues": [12], "alarms": [{"name": "leakage", "active": True}]}, "", {"water_leak": True}),
        ({"water_meter_present": True}, "", {}),
        # Smoke and gas.
        ({"type": "smoke sensor", "event": "alarm"}, "", {"smoke": True}),
        ({"alarmType": "smoke", "alarmStatus": 1}, "", {"smoke": True}),
        ({"smoke_test": True, "smoke": "clear"}, "", {"smoke_test": True, "smoke": False}),
        ({"selfTestPassed": True}, "smoke detector", {}),
        ({"smokeAlarmMuted": True, "interconnect_smoke_alarm": True}, "", {}),
        ({"gas_leak_status": 1}, "", {"gas": True}),
        ({"gas_status": "leak"}, "", {"gas": True}),
        ({"alarm": {"co": True}}, "", {"gas": True}),
        ({"methane_ppm": 10, "alarm_status": "normal"}, "gas detector", {"gas": False}),
        # Somebody.
        ({"isPresent": True}, "", {"motion": True}),
        ({"card_present": True, "usb_present": True}, "", {}),
        ({"ble_proximity": True}, "", {}),
        ({"Occupy": "Un-Occupied"}, "", {"motion": False}),
        ({"vacant": True}, "", {"motion": False}),
        ({"vacancy": "occupied"}, "", {"motion": True}),
        ({"人体感应": "无人"}, "", {"motion": False}),
        ({"event": "motion ended"}, "", {"motion": False}),
        ({"CloseProximityAlarm": {"value": True, "unit": ""}}, "", {"motion": True}),
        ({"IRProximityReport": {"value": 13_662, "unit": ""}}, "", {}),
        # Buttons.
        ({"button_status": "short press"}, "", {"button_pressed": True}),
        ({"click": "double"}, "", {"button_pressed": True}),
        ({"pull_cord": True}, "", {"emergency_button": True}),
        ({"alert": "SOS"}, "", {"emergency_button": True}),
        # The device itself.
        ({"battery_ok": True}, "", {"battery_low": False}),
        ({"alarms": {"battery": True}}, "", {"battery_low": True}),
        ({"low_power_state": 1}, "", {"battery_low": True}),
        ({"low_power_mode": 1}, "", {}),
        ({"battery": {"status": "ok"}}, "", {"battery_low": False}),
        ({"case_open": True}, "", {"tamper": True}),
        ({"removed": 1}, "smoke detector", {"tamper": True}),
        ({"removed_nodes": 1}, "", {}),
        ({"alert": "tamper restored"}, "", {"tamper": False}),
        ({"tamper_detection": "not tampered"}, "", {"tamper": False}),
    ],
)  # fmt: skip
def test_a_state_as_makers_spell_it(found: object, about: str, wanted: Mapping[str, bool]) -> None:
    assert {one.event: one.is_so for one in meaning(found, about).events} == wanted


@pytest.mark.parametrize(
    ("points", "wanted"),
    [
        ([("motion", "count", 3), ("temperature", "°C", 21.5), ("luminosity", "lx", 40)], True),
        ([("motion", "count", 0), ("temperature", "°C", 21.5)], False),
        # Seconds are of one period or of all since the start: nobody says.
        ([("motion", "s", 330_440), ("temperature", "°C", 21.5)], None),
    ],
)
def test_motion_may_be_one_point_of_many(points: list[tuple[str, str, float]], wanted: bool | None) -> None:
    found = meaning(
        {"datapoints": [
            {"hardwareData": {"channel": 0}, "type": name, "unit": unit, "uuid": f"{name}_s0", "value": value}
            for name, unit, value in points
        ]},
        "",
    )  # fmt: skip
    assert [one.value for one in found.readings] == [21.5]
    assert [one.is_so for one in found.events if one.event == "motion"] == (
        [] if wanted is None else [wanted]
    )


def test_what_was_logged_before_does_not_stand_for_the_present() -> None:
    found = meaning(
        {
            "temperature": 21.5,
            "magnet_status": "open",
            "history": [
                {"timestamp": 1_795_507_200, "temperature": 20, "magnet_status": "close"},
                {"timestamp": 1_795_510_800, "temperature": 21, "magnet_status": "close"},
            ],
        },
        "",
    )
    assert [(one.value, one.at_us) for one in found.readings] == [
        (21.5, None),
        (20, 1_795_507_200_000_000),
        (21, 1_795_510_800_000_000),
    ]
    assert [(one.is_so, one.at_us) for one in found.events] == [
        (True, None),
        (False, 1_795_507_200_000_000),
        (False, 1_795_510_800_000_000),
    ]


def test_a_reporting_date_is_a_set_date() -> None:
    found = meaning({"reporting_date": "2025-12-31", "consumption_at_reporting_date_m3": 59.5}, "water")
    assert [(one.channel, one.value) for one in found.readings] == [("water_l", 59_500)]
    assert found.readings[0].at_us is not None
