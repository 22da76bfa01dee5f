from housing import verdicts
from housing.leads import STATUSES


def test_every_state_is_reachable_and_has_a_way_out() -> None:
    reached = set(verdicts.TRANSITIONS.values())
    decided = set(STATUSES) - {"withdrawn"}  # where a correction of the registry leads, and no person
    assert reached == decided
    for status in decided:
        assert verdicts.permitted(status), status


def test_every_action_has_an_outcome_with_reasons_in_both_languages() -> None:
    actions = {action for _, action in verdicts.TRANSITIONS}
    assert set(verdicts.ACTIONS.values()) == actions
    for outcome in verdicts.ACTIONS:
        codes = verdicts.codes_for(outcome)
        assert codes, outcome
        assert all(code.zh and code.en for code in codes)
    names = [code.code for code in verdicts.CODES]
    assert len(names) == len(set(names))


def test_only_a_person_at_an_open_lead_decides() -> None:
    assert verdicts.permitted("open") == ("confirm", "refute", "dismiss")
    for status in ("confirmed", "refuted", "dismissed"):
        assert verdicts.permitted(status) == ("reopen",)
