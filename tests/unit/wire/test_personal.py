import re

from wire.personal import DROPPED, PEOPLE, PERSONAL, PICTURES, SECRETS


def test_the_cheap_test_knows_every_key() -> None:
    assert all(re.fullmatch("[a-z0-9]{3,40}", name) for name in PERSONAL | PEOPLE)


def test_the_lists_do_not_overlap() -> None:
    assert len(PERSONAL | PEOPLE) == len(DROPPED) + len(PICTURES) + len(SECRETS) + len(PEOPLE)
