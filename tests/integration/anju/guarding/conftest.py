"""A mosquitto that is to be guarded, devices that may talk to it, and clients."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devices import registry
from storage.pool import Connection
from tests.homes import make_estate
from tests.integration.anju.guarded import Client, Connect, Guarded


@pytest.fixture
def devices(connection: Connection) -> dict[str, int]:
    """Two locks, a gateway, and two gates, one of a kind whose topics are fixed."""
    estate = make_estate(connection)
    found = {
        code: registry.register_device(connection, code=code, profile="lock-native", estate_id=estate)
        for code in ("lock-1", "lock-2", "gateway-1", "gate-1")
    }
    found["face-1"] = registry.register_device(
        connection, code="face-1", profile="face-gate", estate_id=estate
    )
    connection.commit()
    return found


@pytest.fixture
def broker(tmp_path: Path, dsn: str, devices: dict[str, int]) -> Iterator[Guarded]:
    """Not configured and not running yet."""
    made = Guarded(folder=tmp_path / "broker", dsn=dsn)
    yield made
    made.stop()


@pytest.fixture
def client(broker: Guarded) -> Iterator[Connect]:
    made: list[Client] = []

    def connect(user: str | None = None, password: str = "", port: int = 0, **more: object) -> Client:
        made.append(Client(port or broker.port, user=user, password=password, **more))  # pyright: ignore[reportArgumentType]
        return made[-1]

    yield connect
    for one in made:
        one.close()


@pytest.fixture
def ingest(broker: Guarded, client: Connect) -> Callable[[], Client]:
    """Ingest's account, which hears what devices say."""

    def connect() -> Client:
        listener = client("ingest", broker.secret("ingest"), broker.inner, client_id="ingest-0", session=True)
        for topic in ("hm/#", "gw/#"):
            listener.subscribe(topic)
        return listener

    return connect
