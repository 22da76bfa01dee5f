from housing.errors import InvalidTransition, NotFound, UnknownUnit


def test_refused_rows_name_the_first_and_count_the_rest() -> None:
    rows = [(index, f"HA {index}") for index in range(5)]
    error = UnknownUnit(iter(rows))
    assert error.rows == tuple(rows)
    assert str(error) == "Unknown unit: HA 0 (row 0); HA 1 (row 1); HA 2 (row 2) and 2 more"


def test_the_docstring_is_the_default_message() -> None:
    assert str(NotFound()) == NotFound.__doc__
    assert (
        str(InvalidTransition("confirm", "refuted")) == "confirm is not permitted for a lead that is refuted"
    )
