"""What a policy file may say, and what is refused with one error that names file, rule and key."""

import re
import shutil
import tomllib
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

import policy
from policy.book import FOLDER
from policy.errors import NotInForce, RuleRefused, UnknownCity
from policy.groups import CHANNELS
from policy.periods import Period
from policy.rules import KEYS
from wire.channels import BY_NAME

CITY = """
[city]
code = "probe"
name = "试市"
name_en = "Probe"
"""
RULE = """
[[rule]]
key = "{key}"
value = {value}
effective_from = {start}
article = "试行办法 第一条"
mark = "J"
{more}
"""


def rule(key: str = "idle_lead_days", value: str = "50", start: str = "2020-01-01", more: str = "") -> str:
    return RULE.format(key=key, value=value, start=start, more=more)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    """A folder with the national rules and a city of the given text."""
    shutil.copy(FOLDER / "national.toml", tmp_path)

    def written(text: str) -> Path:
        (tmp_path / "probe.toml").write_text(CITY + text, encoding="utf-8")
        return tmp_path

    return written


def test_the_example_city_loads_and_says_that_it_is_invented() -> None:
    (city,) = policy.cities()
    assert (city.code, city.example) == ("anhe", True)
    assert "示例" in city.name


def test_a_city_stands_before_the_nation_for_its_own_key_and_dates(write: Callable[[str], Path]) -> None:
    folder = write(rule(value="50", start="2020-01-01", more="effective_to = 2020-12-31"))
    book = policy.load("probe", folder)
    days = [date(2019, 12, 31), date(2020, 1, 1), date(2020, 12, 31), date(2021, 1, 1)]
    assert [book.on(day).idle.lead_days for day in days] == [42, 50, 50, 42]
    assert book.on(date(2020, 6, 1)).idle.limit == Period(months=6)


def test_values_are_typed() -> None:
    found = policy.load("anhe").on(date(2025, 3, 1))
    assert found.idle.limit.after(date(2025, 8, 31)) == date(2026, 2, 28)
    assert found.ingest.future_tolerance == timedelta(minutes=10)
    assert found.ingest.earliest_at == datetime(2010, 1, 1, tzinfo=UTC)
    assert found.ingest.limits["water_l"].step_per_h == 5000
    assert found.ingest.limits["temperature_c"].step_per_h is None
    assert len(found.leak.usual_flow) == 24


def test_a_page_can_cite_the_article_of_a_value() -> None:
    cited = policy.load("anhe").on(date(2025, 3, 1)).rules["idle_limit"]
    assert cited.article == "住建部令第11号 第二十七条第一款第(五)项"
    assert (cited.mark, cited.clock, cited.effective_from) == ("S", "consecutive", date(2012, 7, 15))


def test_arrears_run_on_another_clock_than_idleness() -> None:
    rules = policy.load("anhe").on(date(2025, 3, 1)).rules
    assert (rules["idle_limit"].clock, rules["lease_arrears_limit"].clock) == ("consecutive", "cumulative")


def test_what_rests_on_general_knowledge_is_listed() -> None:
    found = policy.load("anhe").on(date(2025, 3, 1))
    assert {rule.mark for rule in found.unconfirmed} == {"M"}


def test_every_channel_of_the_wire_has_limits() -> None:
    assert set(CHANNELS) == set(BY_NAME)
    metered = {name for name, channel in BY_NAME.items() if channel.metered}
    limits = policy.load("anhe").on(date(2025, 3, 1)).ingest.limits
    assert {name for name, row in limits.items() if row.step_per_h is not None} == metered


def test_no_policy_before_the_regulation() -> None:
    book = policy.load("anhe")
    assert book.first_day == date(2012, 7, 15)
    with pytest.raises(NotInForce, match="anhe"):
        book.on(date(2012, 7, 14))


def test_an_unknown_city_is_refused_with_those_there_are() -> None:
    with pytest.raises(UnknownCity, match=r"atlantis.*anhe"):
        policy.load("atlantis")


# --- version --------------------------------------------------------------------------------------


def test_the_version_names_city_and_date_and_stays_while_nothing_changes() -> None:
    book = policy.load("anhe")
    version = book.on(date(2025, 3, 1)).version
    assert re.fullmatch(r"anhe-2024-01-01-[0-9a-f]{8}", version)
    assert book.on(date(2026, 3, 1)) is book.on(date(2025, 3, 1))
    assert book.on(date(2023, 3, 1)).version != version


@pytest.mark.parametrize("new", [rule(value="51"), rule(start="2020-01-02"), rule() + "# a comment"])
def test_the_version_follows_the_content(write: Callable[[str], Path], new: str) -> None:
    day = date(2025, 3, 1)
    before = policy.load("probe", write(rule())).on(day).version
    after = policy.load("probe", write(new)).on(day).version
    assert (before == after) == new.endswith("comment")


# --- refusals -------------------------------------------------------------------------------------

REFUSED = {
    "unknown key": (rule(key="idle_leed_days"), "rule 1, idle_leed_days: unknown key"),
    "no key": ("[[rule]]\nvalue = 1\n", "rule 1: no key"),
    "second rule": (rule() + rule(key="x"), "rule 2, x: unknown key"),
    "overlap": (
        rule() + rule(start="2022-01-01"),
        "rule 2, idle_lead_days: its dates overlap those of rule 1",
    ),
    "overlap by a day": (
        rule(more="effective_to = 2021-12-31") + rule(start="2021-12-31"),
        "rule 2, idle_lead_days: its dates overlap those of rule 1",
    ),
    "overlap in any order": (
        rule(start="2022-01-01") + rule(start="2021-01-01"),
        "rule 1, idle_lead_days: its dates overlap those of rule 2",
    ),
    "no article": (rule().replace('article = "试行办法 第一条"', ""), "rule 1, idle_lead_days: no article"),
    "empty article": (rule().replace("试行办法 第一条", " "), "rule 1, idle_lead_days: no article"),
    "no mark": (rule().replace('mark = "J"', ""), "rule 1, idle_lead_days: mark must be one of V, S, M, J"),
    "unknown mark": (rule().replace('"J"', '"X"'), "rule 1, idle_lead_days: mark must be one of V, S, M, J"),
    "wrong type": (rule(value='"50"'), "rule 1, idle_lead_days: '50' is not a whole number"),
    "a truth is no number": (rule(value="true"), "rule 1, idle_lead_days: True is not a whole number"),
    "out of bounds": (rule(value="0"), "rule 1, idle_lead_days: 0 is not between 7 and 365"),
    "no value": (rule().replace("value = 50", ""), "rule 1, idle_lead_days: no value"),
    "not finite": (rule("bands_mid_from", "nan"), "rule 1, bands_mid_from: nan is not a number"),
    "not a share": (rule("bands_mid_from", "1.1"), "rule 1, bands_mid_from: 1.1 is not between 0.0 and 1.0"),
    "not a duration": (
        rule("lease_term_max", '"5 years"'),
        "rule 1, lease_term_max: '5 years' is not a duration",
    ),
    "a duration without quotes": (rule("lease_term_max", "5"), "rule 1, lease_term_max: 5 is not a duration"),
    "months are no clock time": (
        rule("ingest_past_tolerance", '"P3M"'),
        "rule 1, ingest_past_tolerance: 'P3M' is not a duration",
    ),
    "too long": (
        rule("ingest_future_tolerance", '"P2D"'),
        "rule 1, ingest_future_tolerance: 'P2D' is not between",
    ),
    "not a date": (rule("ingest_earliest", '"2010"'), "rule 1, ingest_earliest: '2010' is not a date"),
    "steps that fall": (rule("idle_warning_days", "[60, 30]"), "rule 1, idle_warning_days: [60, 30] are not"),
    "no steps": (rule("idle_warning_days", "[]"), "rule 1, idle_warning_days: [] are not"),
    "no list": (rule("idle_warning_days", "30"), "rule 1, idle_warning_days: 30 is not a list"),
    "23 hours": (rule("leak_usual_flow", str([0.5] * 23)), "rule 1, leak_usual_flow: 23 numbers where 24"),
    "clock missing": (rule("idle_limit", '"P6M"'), "rule 1, idle_limit: clock must be 'consecutive'"),
    "the other clock": (
        rule("idle_limit", '"P6M"', more='clock = "cumulative"'),
        "rule 1, idle_limit: clock must be 'consecutive'",
    ),
    "a clock of no law": (rule(more='clock = "consecutive"'), "rule 1, idle_lead_days: no clock of the law"),
    "unknown entry": (rule(more='until = "ever"'), "rule 1, idle_lead_days: unknown entry 'until'"),
    "no start": (rule(start='"soon"'), "rule 1, idle_lead_days: effective_from must be a date"),
    "a time is no date": (
        rule(start="2020-01-01T00:00:00Z"),
        "rule 1, idle_lead_days: effective_from must be a date",
    ),
    "end no date": (rule(more="effective_to = 5"), "rule 1, idle_lead_days: effective_to must be a date"),
    "ends before it starts": (
        rule(more="effective_to = 2019-12-31"),
        "rule 1, idle_lead_days: effective_to is before effective_from",
    ),
    "limits fall": (
        rule("ingest_limits_water_l", "{hard_min = 0, soft_min = 5, soft_max = 4, hard_max = 9}"),
        "rule 1, ingest_limits_water_l: limits must rise",
    ),
    "limits lack one": (
        rule("ingest_limits_water_l", "{hard_min = 0, soft_min = 0, soft_max = 4}"),
        "rule 1, ingest_limits_water_l: the table of limits lacks hard_max",
    ),
    "limits know no more": (
        rule(
            "ingest_limits_water_l", "{hard_min = 0, soft_min = 0, soft_max = 4, hard_max = 9, softest = 1}"
        ),
        "rule 1, ingest_limits_water_l: the table of limits does not know softest",
    ),
    "limits are a table": (
        rule("ingest_limits_water_l", "9"),
        "rule 1, ingest_limits_water_l: 9 is not a table",
    ),
    "no step": (
        rule(
            "ingest_limits_water_l",
            "{hard_min = 0, soft_min = 0, soft_max = 4, hard_max = 9, step_per_h = 0}",
        ),
        "rule 1, ingest_limits_water_l: step_per_h must be above 0",
    ),
    "an unknown channel": (
        rule("ingest_limits_beer_l", "{hard_min = 0, soft_min = 0, soft_max = 4, hard_max = 9}"),
        "rule 1, ingest_limits_beer_l: unknown key",
    ),
    "lead after the limit": (rule(value="200"), "rule 1, idle_lead_days: is not below idle_limit"),
    "bands crossed": (rule("bands_mid_from", "0.9"), "rule 1, bands_mid_from: is above bands_high_from"),
    "quiet above alive": (
        rule("signs_energy_quiet_factor", "9"),
        "rule 1, signs_energy_quiet_factor: is above signs_energy_alive_factor",
    ),
    "more even hours than are looked at": (
        rule("leak_flat_hours", "99"),
        "rule 1, leak_flat_hours: is above leak_flat_window_hours",
    ),
    "a night that ends before it begins": (
        rule("signs_night_from_h", "5"),
        "rule 1, signs_night_from_h: is not before signs_night_to_h",
    ),
    "people compared with days beyond standby": (
        rule("signs_energy_repeat_days", "29"),
        "rule 1, signs_energy_repeat_days: is above signs_standby_days",
    ),
    "a habit from before what is remembered": (
        rule("leak_baseline_days", "84"),
        "rule 1, leak_baseline_days: is with leak_baseline_skip_days further back than leak_memory_days",
    ),
    "events that go before the clock rings": (
        rule("retention_event", "'P9M'") + rule("idle_limit", "'P12M'", more="clock = 'consecutive'"),
        "rule 1, retention_event: does not outlast idle_limit by a month",
    ),
    "messages that go before the law allows": (
        rule("retention_journal", "'P5M'"),
        "rule 1, retention_journal: P5M is not between P6M and P5Y",
    ),
    "unknown table": ("[rules]\n", "rules: unknown table"),
    "one rule": ("[rule]\nkey = 'x'\n", "rule: rules are written [[rule]]"),
    "not TOML": ("key = = 1", "not TOML"),
}


@pytest.mark.parametrize(("text", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_a_wrong_rule_is_refused_naming_file_rule_and_key(
    write: Callable[[str], Path], text: str, message: str
) -> None:
    folder = write(text)
    with pytest.raises(RuleRefused) as refused:
        policy.load("probe", folder)
    assert str(refused.value).startswith(f"probe.toml{',' if 'not TOML' not in message else ':'} {message}")


def test_another_citys_wrong_file_stops_the_start_too(write: Callable[[str], Path]) -> None:
    folder = write("")
    (folder / "wrong.toml").write_text(CITY.replace("probe", "wrong") + rule(value="-1"), encoding="utf-8")
    with pytest.raises(RuleRefused, match=r"wrong\.toml, rule 1, idle_lead_days"):
        policy.load("probe", folder)


@pytest.mark.parametrize(
    "head",
    [
        "",
        "[city]\ncode = 'other'\nname = '试'\nname_en = 'T'\n",
        "[city]\ncode = 'probe'\nname = ''\nname_en = 'T'\n",
        "[city]\ncode = 'probe'\nname = '试'\n",
        "[city]\ncode = 'probe'\nname = '试'\nname_en = 'T'\nexample = 'yes'\n",
        "[city]\ncode = 'probe'\nname = '试'\nname_en = 'T'\nmayor = 'T'\n",
    ],
    ids=["none", "code", "name", "name_en", "example", "unknown"],
)
def test_a_city_says_who_it_is(write: Callable[[str], Path], head: str) -> None:
    folder = write("")
    (folder / "probe.toml").write_text(head, encoding="utf-8")
    with pytest.raises(RuleRefused, match=r"probe\.toml, city: "):
        policy.load("probe", folder)


def national(folder: Path, drop: str, *instead: str) -> None:
    """Replace the national rule of one key."""
    file = folder / "national.toml"
    blocks = file.read_text(encoding="utf-8").split("[[rule]]")
    kept = [block for block in blocks if f'key = "{drop}"' not in block]
    file.write_text("[[rule]]".join(kept) + "".join(instead), encoding="utf-8")


def test_the_nation_has_a_rule_for_every_key(write: Callable[[str], Path]) -> None:
    folder = write("")
    national(folder, "idle_lead_days")
    with pytest.raises(
        RuleRefused, match=r"national\.toml, idle_lead_days: no rule that holds until further notice"
    ):
        policy.load("probe", folder)


def test_the_nation_leaves_no_gap(write: Callable[[str], Path]) -> None:
    folder = write("")
    older = rule(start="2012-07-15", more="effective_to = 2019-12-30")
    national(folder, "idle_lead_days", older, rule(start="2020-01-01"))
    with pytest.raises(RuleRefused, match=r"national\.toml, rule \d+, idle_lead_days: a gap after rule \d+"):
        policy.load("probe", folder)


def test_a_missing_national_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RuleRefused, match=r"national\.toml: No such file"):
        policy.load("probe", tmp_path)


def test_no_key_is_written_twice_in_the_national_file() -> None:
    rules = tomllib.loads((FOLDER / "national.toml").read_text(encoding="utf-8"))["rule"]
    assert sorted(row["key"] for row in rules) == sorted(KEYS)
