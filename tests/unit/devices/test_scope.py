"""What a report is about when nothing in it is kept: each code of the closed list once."""

from datetime import UTC

import pytest

from devices.decoders.fields import flatten
from devices.meaning import read
from devices.scope import Scope

OUT_OF_SCOPE: dict[Scope, tuple[object, str]] = {
    Scope.decoder_errors: ({"errors": ["unknown FPort"]}, ""),
    Scope.unit_not_stated: ({"total_water_volume": 5_342}, ""),
    Scope.no_present_total: ({"active_energy_import_t1": {"unit": "Wh", "value": 1_810}}, ""),
    Scope.medium_not_stated: ({"energy": 894_137, "energyUnit": "kWh"}, ""),
    Scope.unclear_state: ({"reed_state": 1}, ""),
    Scope.parking: ({"occupied": True, "type": "heartbeat"}, "nwave Smart Parking Sensor"),
    Scope.position: ({"latitude": 24.6, "longitude": 118.0, "motion_status": "moving"}, ""),
    Scope.people: ({"count_in": 16, "count_out": 17}, ""),
    Scope.air_quality: ({"pm2_5": 7, "pm10": 8, "tvoc": 2.27}, ""),
    Scope.environment: ({"soil_moisture": 57.5, "illumination": 28, "pressure": 1_008}, ""),
    Scope.level: ({"distance": 2_000, "fill_height": 30}, ""),
    Scope.actuator: ({"valve_position": 30, "relay": "on"}, ""),
    Scope.configuration: ({"Cmd": "ReadConfigReportRsp", "MaxTime": 1_800, "BatteryChange": 0.1}, ""),
}


def test_every_code_has_its_test() -> None:
    assert OUT_OF_SCOPE.keys() == set(Scope)


@pytest.mark.parametrize("code", Scope)
def test_what_is_out_of_scope_is_called_by_its_code(code: Scope) -> None:
    found, about = OUT_OF_SCOPE[code]
    meant = read(flatten(found), {}, UTC, about=about)
    assert (meant.readings, meant.events, meant.scope) == ((), (), code)


def test_what_nobody_knows_has_no_code() -> None:
    assert read({"zz": "blue"}, {}, UTC).scope is None
    assert read({}, {}, UTC).scope is None
