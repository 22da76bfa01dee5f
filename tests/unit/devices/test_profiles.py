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


GATEWAY = """
format = "gateway-json"
expected_interval_s = 900
gateway = true
events = ["entry"]
[channels.energy_kwh]
kind = "register"
[options]
list = "batch"
address = "meter"
"""


@pytest.mark.parametrize(
    ("more", "field", "key"),
    [
        ('[[field]]\nname = "name"\nchannel = "energy_kwh"', "field name: name", "name"),
        (
            '[[field]]\nname = "x.Face_Data.v"\nchannel = "energy_kwh"',
            "field x.*: name",
            "Face_Data",
        ),
        ('[[field]]\nname = "idCard"\nevent = "entry"', "field idCard: name", "idCard"),
        # Of a code only a hash stays: no value of it can be listed, nor be a number.
        ('[[field]]\nname = "pin"\nevent = "entry"\nwhen = [1]', "field pin: name", "pin"),
        (
            '[[field]]\nname = "door"\nevent = "entry"\nsubject = "tel"',
            "field door: subject",
            "tel",
        ),
        ('[[field]]\nname = "door"\nevent = "entry"\nvalue = "cardNo"', "field door: value", "cardNo"),
    ],
)
def test_a_field_that_is_cut_out_of_every_message_is_refused(
    tmp_path: Path, more: str, field: str, key: str
) -> None:
    file = tmp_path / "box.toml"
    file.write_text(GATEWAY + more)
    with pytest.raises(ProfileInvalid, match=rf"^box.toml: {field}: {key} is a key of personal"):
        read_profile(file)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("factor = nan", "field total: factor: nan is"),
        ("factor = -inf", "field total: factor: -inf is"),
        ("factor = 0", "field total: factor: 0.0 is"),
        ('unit = "furlong"', "field total: unit: furlong is not a unit of energy_kwh"),
        ("factor = ", "no TOML: "),
        ('factor = "ten"', r"Expected `float`, got `str` - at `\$.field\[0\].factor`"),
    ],
)
def test_a_number_or_a_unit_that_gives_nothing_is_refused_in_one_line(
    tmp_path: Path, more: str, said: str
) -> None:
    file = tmp_path / "box.toml"
    file.write_text(f'{GATEWAY}[[field]]\nname = "total"\nchannel = "energy_kwh"\n{more}\n')
    with pytest.raises(ProfileInvalid, match=f"^box.toml: {said}") as caught:
        read_profile(file)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("place", "key"), [("name", "name"), ("values", "data.face"), ("address", "cardNo"), ("time", "phone")]
)
def test_so_is_a_place_that_is(tmp_path: Path, place: str, key: str) -> None:
    file = tmp_path / "box.toml"
    file.write_text(GATEWAY.replace('address = "meter"', f'{place} = "{key}"'))
    with pytest.raises(ProfileInvalid, match=rf"^box.toml: options.{place}: .* is a key of personal values"):
        read_profile(file)


def test_whose_code_it_was_may_be_told_by_its_hash(tmp_path: Path) -> None:
    file = tmp_path / "box.toml"
    file.write_text(GATEWAY + '[[field]]\nname = "pin"\nevent = "entry"\nsubject = "personId"')
    assert read_profile(file).rules[0].subject == "personId"


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
