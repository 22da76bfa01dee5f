from pathlib import Path

import pytest

from devices.errors import ProfileInvalid
from devices.profiles import load_profiles, read_profile
from wire.forms import Form

GOOD = """
format = "native-v1"
expected_interval_s = 3600
events = ["smoke"]
[channels.energy_kwh]
kind = "interval"
interval_s = 1800
at = "start"
"""


def test_the_profiles_of_the_package_are_valid() -> None:
    assert {
        "energy-register",
        "energy-interval-30min",
        "water-register",
        "gas-register",
        "lock-native",
        "gate-native",
        "hazard-native",
        "home-native",
    } <= load_profiles().keys()


def test_an_interval_says_how_long_it_is_and_where_its_time_stands() -> None:
    profile = load_profiles()["energy-interval-30min"]
    assert profile.channels["energy_kwh"] == Form(kind="interval", interval_s=1800, at="start")


def test_a_register_says_where_it_starts_again() -> None:
    assert load_profiles()["energy-register"].channels["energy_kwh"].rollover_at == 1_000_000


def test_a_profile_is_named_after_its_file(tmp_path: Path) -> None:
    file = tmp_path / "my-meter.toml"
    file.write_text(GOOD)
    profile = read_profile(file)
    assert (profile.name, profile.channel_codes, profile.event_codes) == ("my-meter", {1}, {20})


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("3600", "0", "expected_interval_s"),
        ("3600", '"often"', "expected_interval_s"),
        ("native-v1", "native-v9", "format"),
        ("3600", '3600\ncommands = ["explode"]', "explode"),
        ('"native-v1"', '"obis"\ncommands = ["restart"]', "tell devices of obis"),
        ('["smoke"]', '["earthquake"]', "earthquake"),
        ("energy_kwh", "energy_mwh", "channels.energy_mwh"),
        ('"interval"', '"gauge"', "channels.energy_kwh"),
        ('at = "start"', "", "channels.energy_kwh"),
        ('at = "start"', 'at = "middle"', "at"),
        ('at = "start"', 'at = "start"\nrollover_at = 10', "channels.energy_kwh"),
        ('at = "start"', 'at = "start"\ncolour = "red"', "colour"),
        ("format", "from = 1\nformat", "from"),
        ("format =", "format", "my-meter.toml"),
        ('"native-v1"', '"native-v1"\nignore = { action = ["lock"] }', "ignore: no rule"),
    ],
)
def test_a_fault_is_named_with_file_and_key(tmp_path: Path, old: str, new: str, said: str) -> None:
    file = tmp_path / "my-meter.toml"
    file.write_text(GOOD.replace(old, new, 1))
    with pytest.raises(ProfileInvalid) as caught:
        read_profile(file)
    assert "my-meter.toml" in str(caught.value)
    assert said in str(caught.value)


def test_a_profile_of_nothing_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "nothing.toml"
    file.write_text('format = "native-v1"\nexpected_interval_s = 60\n')
    with pytest.raises(ProfileInvalid, match="neither"):
        read_profile(file)
