import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.labels import candidates, serial_in


@pytest.mark.parametrize(
    ("label", "part", "serial"),
    [
        ("w-1f06", "w-1f06", "w-1f06"),
        (" 8801-2236 ", "8801-2236", "8801-2236"),
        ("SN:33000101;CODE:e-4b7d", "e-4b7d", "33000101"),
        ("https://maker.example/m?sn=33000101&id=e-4b7d", "33000101", "33000101"),
        ('{"code": "e-4b7d", "表号": "33000101"}', "e-4b7d", "33000101"),
        # LoRa Alliance TR005
        ("LW:D0:1122334455667788:A81758FFFE03C0F1:0102AB:SE5ABC123", "a81758fffe03c0f1", "1122334455667788"),
        ("表号：33000101 型号：DDZY", "33000101", "33000101"),
    ],
)
def test_what_a_label_names(label: str, part: str, serial: str) -> None:
    assert part in candidates(label)
    assert serial_in(label) == serial


@pytest.mark.parametrize(
    "text",
    ["水表", "water meter", "wm-new", "3-2-0703", "3栋2单元703", "703", "厨房 703", "the one by the door"],
)
def test_what_is_no_serial_number_is_not_taken_for_one(text: str) -> None:
    assert serial_in(text) == ""


@given(st.text())
def test_any_text_is_a_label(text: str) -> None:
    found = candidates(text)
    assert len(found) <= 1 + 3 * 16
    assert all(0 < len(one) <= 64 for one in found)
    assert len(serial_in(text)) <= 64
