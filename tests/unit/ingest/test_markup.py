"""Personal values are cut out of XML and forms."""

import pytest

from ingest.redaction import redact
from tests.unit.ingest.hashes import hashed, keyed, pictured


@pytest.mark.parametrize(
    ("payload", "kept", "cut"),
    [
        ("<a><name>王</name><v>1</v></a>", "<a><name></name><v>1</v></a>", {"name"}),
        (
            '<a xmlns="x"><h:cardNo  a="1">77</h:cardNo></a>',
            f'<a xmlns="x"><h:cardNo  a="1">{hashed("77")}</h:cardNo></a>',
            {"cardno"},
        ),
        ("<pic>QUJD</pic></a>", f"<pic>{pictured('QUJD')}</pic></a>", {"pic"}),
        ("<name><b>x</b></name></a>", "<name></name></a>", {"name"}),
        ("<name/><v>1</v>", "<name/><v>1</v>", set()),
        ("<name></name><v>1</v>", "<name></name><v>1</v>", set()),
        # Without an end all that follows is cut.
        ("<a><v>1</v><name>x<v>2</v>", "<a><v>1</v><name>", {"name"}),
        ("<p phone = '138' id=\"1\">x</p>", "<p phone = '' id=\"1\">x</p>", {"phone"}),
        ("<names>x</names>", "<names>x</names>", set()),
    ],
)
def test_personal_elements_of_xml_are_cut(payload: str, kept: str, cut: set[str]) -> None:
    left, found = redact(payload.encode(), keyed)
    assert (left.decode(), found) == (kept, cut)
    assert redact(left, keyed) == (left, frozenset())


@pytest.mark.parametrize(
    ("payload", "kept", "cut"),
    [
        ("lockId=1&name=x+y&v=2", "lockId=1&name=&v=2", {"name"}),
        ("keyboardPwd=12&v=%20", f"keyboardPwd={hashed('12').replace(':', '%3A')}&v=%20", {"keyboardpwd"}),
        (
            "records=%5B%7B%22phone%22%3A%22138%22%7D%5D&v=1",
            "records=%5B%7B%22phone%22%3Anull%7D%5D&v=1",
            {"phone"},
        ),
        ("n%61me=x", "n%61me=", {"name"}),
        ("a=1&b=2", "a=1&b=2", set()),
    ],
)
def test_personal_fields_of_forms_are_cut(payload: str, kept: str, cut: set[str]) -> None:
    left, found = redact(payload.encode(), keyed)
    assert (left.decode(), found) == (kept, cut)
    assert redact(left, keyed)[0] == left
