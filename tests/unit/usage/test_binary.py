import struct

import numpy as np
import pytest

from usage.binary import Column, Layout, arrays_of, values_of
from usage.errors import ValuesMisread


def sent_array(values: list[int], *, element: int = 21, nulls: int = 0) -> bytes:
    """As PostgreSQL's array_send writes a smallint[]."""
    head = struct.pack("!iiiii", 1, nulls, element, len(values), 1)
    return head + b"".join(struct.pack("!ih", 2, value) for value in values)


def test_values_of_an_array() -> None:
    assert values_of(sent_array([3, -1, 7]), "smallint").tolist() == [3, -1, 7]
    assert values_of(None, "smallint").tolist() == []


def test_arrays_one_behind_another() -> None:
    two = arrays_of(sent_array([1, 2]) + sent_array([3, 4]), "smallint", 2)
    assert two.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(sent_array([1, 2, 3]), id="another length"),
        pytest.param(sent_array([1, 2], element=23), id="another type"),
        pytest.param(sent_array([1, 2], nulls=1), id="nulls"),
        pytest.param(sent_array([1, 2])[:-1], id="cut"),
    ],
)
def test_another_shape_is_refused(sent: bytes) -> None:
    with pytest.raises(ValuesMisread):
        arrays_of(sent, "smallint", 2)


def test_rows_are_written_as_copy_reads_them() -> None:
    layout = Layout(Column(name="id", kind="integer"), Column(name="parts", kind="smallint", length=2))
    written = layout.write({"id": np.array([9]), "parts": np.array([[1, 2]])})
    row = struct.pack("!hii", 2, 4, 9) + struct.pack("!i", 32) + sent_array([1, 2])
    assert written == b"PGCOPY\n\xff\r\n\x00" + bytes(8) + row + b"\xff\xff"
