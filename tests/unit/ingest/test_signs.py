import pytest

from ingest.signs import Signs


def test_what_is_made_out_cannot_follow_others_and_be_lost() -> None:
    earlier, later = Signs(), Signs()
    for signs in (earlier, later):
        signs.begin(1, own=True)
        signs.heard(7)
    later.make_out()
    with pytest.raises(ValueError, match="made out"):
        earlier.extend(later)


def test_what_is_made_out_can_be_gone_on_with() -> None:
    earlier, later = Signs(), Signs()
    earlier.begin(1, own=True)
    earlier.heard(7)
    earlier.make_out()
    later.begin(2, own=True)
    later.heard(8)
    earlier.extend(later)
    assert {device: sign.received_us for device, sign in earlier.found.items()} == {7: 1, 8: 2}
