import re

from housing.kinds import BY_CODE, HAZARDS, KINDS, PEOPLE


def test_kinds_say_what_was_seen_and_accuse_nobody() -> None:
    accusing = re.compile(r"转租|违规|空置|sublet|illegal|violation|breach|vacan", re.IGNORECASE)
    for kind in KINDS:
        assert kind.zh
        assert kind.en
        assert not accusing.search(kind.zh + kind.en), kind.code


def test_what_presses_today_is_a_hazard_and_what_is_inspected_is_not() -> None:
    assert HAZARDS == ("alarm", "burst", "elder_silence", "overload", "leak")
    assert set(BY_CODE) - set(HAZARDS) == {
        "vacancy",
        "idle_limit",
        "sublet",
        "group_rental",
        "short_stay",
        "business",
        "lot",
    }


def test_who_lives_there_is_one_question() -> None:
    assert {kind.code for kind in KINDS if kind.family == PEOPLE} == {
        "sublet",
        "group_rental",
        "short_stay",
        "business",
    }
    assert BY_CODE["leak"].family == "leak"
