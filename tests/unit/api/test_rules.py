from importlib import resources

import pytest

from api.rules import LoginRulesRefused, load_login_rules, parse_login_rules

TEXT = resources.files("api").joinpath("login.toml").read_text(encoding="utf-8")


def test_the_rules_of_the_package_are_sound() -> None:
    rules = load_login_rules()
    assert rules.wait_first < rules.wait_longest < rules.forget_after
    assert rules.password_min >= 8
    assert rules.hash_memory_kib >= 19 * 1024


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("failures_free = 5", ""), "failures_free is missing or unknown"),
        (("failures_free = 5", "failures_free = 5\nretries = 3"), "retries is missing or unknown"),
        (("failures_free = 5", "failures_free = true"), "failures_free must be a whole number"),
        (("failures_free = 5", "failures_free = 0"), "failures_free must be a whole number"),
        (('session = "PT12H"', 'session = "half a day"'), "session: .*is not a duration"),
        (('session = "PT12H"', 'session = "PT0S"'), "session must be longer than nothing"),
    ],
)
def test_a_wrong_rule_is_refused_by_its_name(change: tuple[str, str], message: str) -> None:
    assert change[0] in TEXT
    with pytest.raises(LoginRulesRefused, match=message):
        parse_login_rules(TEXT.replace(*change))
