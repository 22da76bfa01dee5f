"""Acts on devices, as an operator does them."""

from collections.abc import Callable
from datetime import datetime

import pytest

from devices import bindings, lifecycle
from devices.acts import Wanted
from storage.pool import Connection
from tests.homes import make_units
from tests.integration.usage.meters import at

#: When acts are done, unless a test says otherwise.
NOW = at(30)

Do = Callable[..., bindings.Done]


@pytest.fixture
def units(connection: Connection) -> list[int]:
    """Three homes."""
    return make_units(connection, 3)


@pytest.fixture
def perform(connection: Connection, units: list[int]) -> Do:
    """Do an act; `now`, `estates` and `seen` as of `lifecycle.perform`."""

    def act(wanted: Wanted, *, now: datetime = NOW, **more: object) -> bindings.Done:
        return lifecycle.perform(connection, wanted, by="account:ina", now=now, **more)  # pyright: ignore[reportArgumentType]

    return act
