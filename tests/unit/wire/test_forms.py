import pytest

from wire.forms import Form


def test_each_kind_says_what_it_needs() -> None:
    assert Form(kind="register").rollover_at is None
    assert Form(kind="interval", interval_s=1800, at="start").interval_s == 1800
    assert Form(kind="gauge").kind == "gauge"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        pytest.param({"kind": "interval"}, "interval_s, and at", id="no length"),
        pytest.param({"kind": "interval", "interval_s": 1800}, "interval_s, and at", id="no side"),
        pytest.param({"kind": "interval", "interval_s": 0, "at": "end"}, "not positive", id="no time at all"),
        pytest.param({"kind": "register", "at": "end"}, "not to a register", id="a side without a length"),
        pytest.param({"kind": "register", "rollover_at": 0}, "positive", id="full at zero"),
        pytest.param({"kind": "gauge", "rollover_at": 9.0}, "belongs to a register", id="a full gauge"),
    ],
)
def test_what_cannot_be_is_refused(given: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Form(**given)
