import re

from housing.kinds import BY_CODE, HAZARDS, KINDS


def test_kinds_say_what_was_seen_and_accuse_nobody() -> None:
    accusing = re.compile(r"转租|违规|空置|sublet|illegal|violation|breach|vacan", re.IGNORECASE)
    for kind in KINDS:
        assert kind.zh
        assert kind.en
        assert not accusing.search(kind.zh + kind.en), kind.code


def test_a_leak_is_a_hazard_and_an_empty_home_is_not() -> None:
    assert HAZARDS == ("leak",)
    assert set(BY_CODE) == {"leak", "vacancy", "idle_limit"}
