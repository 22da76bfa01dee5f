"""Profiles are called by the first comment of their files."""

import pytest

from devices.profile_names import Name, name_in, names
from devices.profiles import load_profiles


def test_every_profile_has_a_name_of_its_own_in_both_languages() -> None:
    found = names()
    assert found.keys() == load_profiles().keys()
    assert found["water-register"] == Name(
        zh="水表，报累计示数", en="water meter that reports its register in litres"
    )
    assert found["ttlock-lock"].zh == "通通锁"
    assert all(len(name.zh) <= 30 and 0 < len(name.en) <= 72 for name in found.values())


@pytest.mark.parametrize(
    "text", ["", 'format = "x"', "# only English: a meter", "# 中文：", 'format = "x"\n# 表：meter']
)
def test_what_is_no_name(text: str) -> None:
    assert name_in(text) is None


def test_a_long_name_ends_at_a_comma() -> None:
    assert name_in("# 表：" + "meter of a kind, " * 9).en == "meter of a kind, " * 3 + "meter of a kind"  # pyright: ignore[reportOptionalMemberAccess]
