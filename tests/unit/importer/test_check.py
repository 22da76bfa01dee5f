"""Rows against rows and against what the database holds."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

from anju.importer.check import Checked, Rules, check
from anju.importer.known import Known, KnownDevice, KnownInstallation
from anju.importer.problems import Problems
from anju.importer.sheets import read
from anju.importer.tables import BY_NAME
from policy.periods import Period


@dataclass(frozen=True)
class FakeProfile:
    channels: dict[str, object] = field(default_factory=dict)
    events: frozenset[str] = frozenset()


RULES = Rules(
    profiles={
        "energy-register": FakeProfile({"energy_kwh": None}),
        "lock-native": FakeProfile({}, frozenset({"entry", "door_opened"})),
    },
    cities=("national", "anhe"),
    lease_term=(Period(months=60), "第十八条"),
)
SOUND = {
    "estates": "code,name,city\nhe,和安苑,anhe\n",
    "buildings": "code\n3\n",
    "units": "building,code,floor,door\n3,3-1-0101,1,0101\n3,3-1-0102,1,0102\n",
    "residents": "code,household,name\nr-1,h-1,王一\nr-2,h-1,王二\n",
    "leases": "code,unit,household,starts_on,ends_on\nl-1,3-1-0101,h-1,2025-01-01,2029-12-31\n",
    "occupants": "unit,resident,lease,starts_at\n3-1-0101,r-1,l-1,2025-01-01\n",
    "absences": (
        "unit,registered_at,starts_at,ends_at,reason\n"
        "3-1-0101,2026-01-02T00:00:00Z,2026-01-03,2026-02-01,住院\n"
    ),
    "devices": "code,profile\nd-1,energy-register\nd-2,lock-native\n",
    "installations": (
        "device,channel,unit,valid_from\nd-1,energy_kwh,3-1-0101,2025-01-01\nd-2,events,3-1-0101,2025-01-01\n"
    ),
}
KNOWN = Known(
    estates={"he": "Asia/Shanghai"},
    buildings={("he", "3")},
    units={("he", "3-1-0101"): 1},
    households={"h-1": (2, True)},
    residents={"r-1"},
    leases={"l-0": (("he", "3-1-0101"), date(2020, 1, 1), date(2024, 12, 31))},
    devices={
        "d-1": KnownDevice(id=1, profile="energy-register", serial="", estate="he"),
        "d-9": KnownDevice(id=9, profile="energy-register", serial="", estate="he"),
    },
    installations=[
        KnownInstallation(
            device="d-1",
            channel=1,
            unit=("he", "3-1-0101"),
            valid_from=datetime(2025, 1, 1, tzinfo=UTC),
            valid_to=None,
        )
    ],
)


def _checked(tmp_path: Path, files: dict[str, str], known: Known | None = None) -> tuple[Checked, Problems]:
    problems = Problems()
    sheets = {}
    for name, content in files.items():
        file = tmp_path / f"{name}.csv"
        file.write_text(content, encoding="utf-8")
        sheets[name] = read(file, BY_NAME[name], problems)
    return check(sheets, known or Known(), RULES, problems), problems


def _codes(problems: Problems) -> list[tuple[str, str, int | None, str | None]]:
    return [(p.code, p.file, p.line, p.column) for p in problems.kept]


def test_a_sound_folder_has_no_problem(tmp_path: Path) -> None:
    checked, problems = _checked(tmp_path, SOUND)
    assert _codes(problems) == []
    assert {name: len(rows) for name, rows in checked.rows.items()} == {
        "estates": 1, "buildings": 1, "units": 2, "residents": 2, "leases": 1, "occupants": 1,
        "absences": 1, "devices": 2, "installations": 2,
    }  # fmt: skip
    assert checked.rows["installations"][0].values["channel"] == 1
    assert checked.rows["installations"][1].values["channel"] == 0


def test_local_times_become_instants_of_the_estate(tmp_path: Path) -> None:
    checked, _ = _checked(tmp_path, SOUND)
    absence = checked.rows["absences"][0].values
    assert absence["starts_at"] == datetime(2026, 1, 2, 16, tzinfo=UTC)
    assert absence["registered_at"] == datetime(2026, 1, 2, tzinfo=UTC)


def test_a_household_is_derived_from_its_residents(tmp_path: Path) -> None:
    checked, _ = _checked(tmp_path, SOUND)
    assert checked.households == {"h-1": (2, False)}


def test_a_stated_size_counts_more_than_the_list_of_residents(tmp_path: Path) -> None:
    lease = (
        "code,unit,household,starts_on,ends_on,household_size,elder_alone\n"
        "l-1,3-1-0101,h-1,2025-01-01,2029-12-31,3,否\n"
    )
    checked, _ = _checked(tmp_path, SOUND | {"leases": lease})
    assert checked.households == {"h-1": (3, False)}


def test_a_known_household_stays_as_it_is_when_nothing_is_stated(tmp_path: Path) -> None:
    checked, problems = _checked(tmp_path, {"residents": "code,household\nr-7,h-1\n"}, KNOWN)
    assert problems.count == 0
    assert checked.households == {}


def test_a_new_household_needs_a_size(tmp_path: Path) -> None:
    lease = "code,unit,household,starts_on,ends_on\nl-1,3-1-0101,h-7,2025-01-01,2029-12-31\n"
    _, problems = _checked(tmp_path, SOUND | {"leases": lease})
    assert ("household_size", "leases.csv", 2, "household_size") in _codes(problems)


def test_one_household_cannot_have_two_sizes(tmp_path: Path) -> None:
    lease = (
        "code,unit,household,starts_on,ends_on,household_size\n"
        "l-1,3-1-0101,h-1,2025-01-01,2025-12-31,3\nl-2,3-1-0102,h-1,2026-01-01,2026-12-31,4\n"
    )
    _, problems = _checked(tmp_path, SOUND | {"leases": lease})
    assert _codes(problems) == [("household_differs", "leases.csv", 3, "household_size")]


def test_each_unknown_reference_is_named(tmp_path: Path) -> None:
    _, problems = _checked(
        tmp_path,
        SOUND
        | {
            "units": "building,code,floor,door\n4,4-1-0101,1,0101\n3,3-1-0101,1,0101\n",
            "occupants": "unit,resident,lease,starts_at\n3-1-0109,r-9,l-9,2025-01-01\n",
            "installations": (
                "device,channel,unit,valid_from\nd-8,energy_kwh,3-1-0101,2025-01-01\n"
                "d-1,energy_kwh,3-1-0999,2025-01-01\n"
            ),
        },
    )
    assert _codes(problems) == [
        ("unknown_reference", "units.csv", 2, "building"),
        ("unknown_reference", "occupants.csv", 2, "unit"),
        ("unknown_reference", "occupants.csv", 2, "resident"),
        ("unknown_reference", "occupants.csv", 2, "lease"),
        ("unknown_reference", "installations.csv", 2, "device"),
        ("unknown_reference", "installations.csv", 3, "unit"),
    ]


def test_one_broken_row_is_one_message(tmp_path: Path) -> None:
    """What refers to the broken unit is not reported as well."""
    _, problems = _checked(
        tmp_path, SOUND | {"units": "building,code,floor,door\n3,3-1-0101,ground,0101\n3,3-1-0102,1,0102\n"}
    )
    assert _codes(problems) == [("not_whole", "units.csv", 2, "floor")]


def test_a_broken_estate_is_one_message(tmp_path: Path) -> None:
    estates = "code,name,city,time_zone\nhe,和安苑,anhe,Moon/Tycho\n"
    _, problems = _checked(tmp_path, SOUND | {"estates": estates})
    assert _codes(problems) == [("not_a_zone", "estates.csv", 2, "time_zone")]


def test_an_estate_with_summer_time_is_one_message_in_both_languages(tmp_path: Path) -> None:
    estates = "code,name,city,time_zone\nhe,和安苑,anhe,Europe/Madrid\n"
    _, problems = _checked(tmp_path, SOUND | {"estates": estates})
    assert _codes(problems) == [("zone_changes", "estates.csv", 2, "time_zone")]
    assert "2020—2035 年" in problems.kept[0].zh
    assert "between 2020 and 2035" in problems.kept[0].en


def test_with_two_estates_rows_must_say_which(tmp_path: Path) -> None:
    _, problems = _checked(
        tmp_path, {"estates": "code,name,city\na,甲,anhe\nb,乙,anhe\n", "buildings": "code\n1\n"}
    )
    assert _codes(problems) == [("needs_estate", "buildings.csv", 2, "estate")]


def test_unknown_city_profile_and_channel_name_the_choices(tmp_path: Path) -> None:
    _, problems = _checked(
        tmp_path,
        {
            "estates": "code,name,city\nhe,和安苑,atlantis\n",
            "buildings": "code\n3\n",
            "units": "building,code,floor,door\n3,3-1-0101,1,0101\n",
            "devices": "code,profile\nd-1,energy-register\nd-2,toaster\n",
            "installations": "device,channel,unit,valid_from\nd-1,water_l,3-1-0101,2025-01-01\n",
        },
    )
    assert _codes(problems) == [
        ("not_in_list", "estates.csv", 2, "city"),
        ("not_in_list", "devices.csv", 3, "profile"),
        ("channel_not_in_profile", "installations.csv", 2, "channel"),
    ]
    assert "anhe, national" in problems.kept[0].en
    assert "energy_kwh" in problems.kept[2].zh


def test_periods_must_run_forward(tmp_path: Path) -> None:
    _, problems = _checked(
        tmp_path,
        SOUND
        | {
            "absences": (
                "unit,registered_at,starts_at,ends_at,reason\n"
                "3-1-0101,2026-01-02,2026-01-03,2026-01-03,住院\n"
            ),
            "leases": "code,unit,household,starts_on,ends_on\nl-1,3-1-0101,h-1,2025-01-02,2025-01-01\n",
        },
    )
    assert _codes(problems) == [
        ("order", "leases.csv", 2, "ends_on"),
        ("order", "absences.csv", 2, "ends_at"),
    ]


def test_overlapping_leases_are_refused_in_the_folder_and_against_the_database(tmp_path: Path) -> None:
    header = "code,unit,household,starts_on,ends_on\n"
    inside = header + (
        "l-1,3-1-0101,h-1,2025-01-01,2029-12-31\n"
        "l-2,3-1-0101,h-1,2029-12-31,2030-12-31\n"  # the last day belongs to l-1
        "l-3,3-1-0102,h-1,2025-01-01,2025-12-31\n"
        "l-4,3-1-0102,h-1,2026-01-01,2026-12-31\n"
    )
    _, problems = _checked(tmp_path, SOUND | {"leases": inside})
    assert _codes(problems) == [("overlap", "leases.csv", 3, "starts_on")]
    stored = header + "l-1,3-1-0101,h-1,2024-12-01,2029-12-31\n"
    _, problems = _checked(tmp_path, {"leases": stored}, KNOWN)
    assert _codes(problems) == [("overlap", "leases.csv", 2, "starts_on")]
    assert "l-0" in problems.kept[0].en


def test_a_second_meter_of_a_channel_is_refused_until_the_first_is_gone(tmp_path: Path) -> None:
    second = {"installations": "device,channel,unit,valid_from\nd-9,energy_kwh,3-1-0101,2026-01-01\n"}
    _, problems = _checked(tmp_path, second, KNOWN)
    assert _codes(problems) == [("overlap", "installations.csv", 2, "valid_from")]
    both = {
        "installations": (
            "device,channel,unit,valid_from,valid_to\n"
            "d-1,energy_kwh,3-1-0101,2025-01-01T00:00:00Z,2026-01-01\nd-9,energy_kwh,3-1-0101,2026-01-01,\n"
        )
    }
    _, problems = _checked(tmp_path, both, KNOWN)
    assert _codes(problems) == []


def test_a_device_cannot_hang_in_two_homes(tmp_path: Path) -> None:
    _, problems = _checked(
        tmp_path,
        SOUND
        | {
            "installations": (
                "device,channel,unit,valid_from\nd-1,energy_kwh,3-1-0101,2025-01-01\n"
                "d-1,energy_kwh,3-1-0102,2025-06-01\n"
            )
        },
    )
    assert _codes(problems) == [("overlap", "installations.csv", 3, "valid_from")]


def test_an_installation_is_at_a_home_or_at_an_entrance(tmp_path: Path) -> None:
    _, problems = _checked(
        tmp_path,
        SOUND
        | {
            "installations": (
                "device,channel,unit,entrance,valid_from\nd-2,events,,东门,2025-01-01\n"
                "d-1,energy_kwh,,,2025-01-01\n"
            )
        },
    )
    assert _codes(problems) == [("unit_or_entrance", "installations.csv", 3, "unit")]


def test_a_long_lease_is_accepted_with_a_notice(tmp_path: Path) -> None:
    lease = "code,unit,household,starts_on,ends_on\nl-1,3-1-0101,h-1,2020-01-01,2029-12-31\n"
    _, problems = _checked(tmp_path, SOUND | {"leases": lease})
    assert problems.count == 0
    assert [(n.code, n.line) for n in problems.notices] == [("long_lease", 2)]
    assert "第十八条" in problems.notices[0].zh


def test_a_device_code_that_cannot_stand_in_a_topic_is_refused(tmp_path: Path) -> None:
    _, problems = _checked(
        tmp_path, SOUND | {"devices": "code,profile\nd/+,lock-native\nd-1,energy-register\nd-2,lock-native\n"}
    )
    assert _codes(problems) == [("not_device_code", "devices.csv", 2, "code")]


def test_a_device_cannot_be_called_as_a_service_of_ours_is(tmp_path: Path) -> None:
    _, problems = _checked(
        tmp_path,
        SOUND | {"devices": "code,profile\ningest,lock-native\nd-1,energy-register\nd-2,lock-native\n"},
    )
    assert _codes(problems) == [("reserved_device_code", "devices.csv", 2, "code")]
