import pytest
from hypothesis import given
from hypothesis import strategies as st

from housing.residents import mask_id_no, mask_name, mask_phone


@pytest.mark.parametrize(
    ("name", "masked"), [("张伟", "张*"), ("欧阳娜娜", "欧*"), ("Li Wei", "L*"), ("张", "张*"), ("", "")]
)
def test_a_name_keeps_its_first_character(name: str, masked: str) -> None:
    assert mask_name(name) == masked


@pytest.mark.parametrize(
    ("phone", "masked"),
    # a short number would be readable through its mask
    [("13800002121", "138****21"), ("12345678", "123****78"), ("1234567", "****"), ("", "")],
)
def test_a_phone_keeps_three_digits_and_two(phone: str, masked: str) -> None:
    assert mask_phone(phone) == masked


@pytest.mark.parametrize(
    ("id_no", "masked"), [("11010519491231002X", "****002X"), ("12345", "****"), ("", "")]
)
def test_an_id_number_keeps_its_last_four(id_no: str, masked: str) -> None:
    assert mask_id_no(id_no) == masked


@given(st.text(min_size=1, max_size=30))
def test_no_mask_shows_more_than_half(value: str) -> None:
    for masked in (mask_phone(value), mask_id_no(value)):
        assert len(masked.replace("*", "")) <= max(len(value) * 5 // 8, 0)
