"""`anju settle`: wait until all that was sent before is stored and computed."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from anju import stack
from anju.errors import BrokerAway
from anju.jobs import Kind, request
from anju.settings import Settings
from ingest.address import BrokerAddress
from storage.pool import Connection, connect
from storage.queries import load
from wire.envelope import SETTLE

#: One filter, one queue: what arrived at the broker before the marker is committed before it.
_TOPIC = f"hm/v1/{SETTLE}/up/m"
_PAUSE_S = 0.03
#: A broker that was started again knows no subscription until ingest is back: what it takes before is lost.
_AGAIN_S = 1.0
_QUERIES = load("anju", "settle.sql")


@dataclass(frozen=True, kw_only=True)
class Pending:
    """What is not done yet."""

    #: The marker, and with it perhaps messages before it, is not committed.
    marker: bool
    #: Messages for vendors' own decoders.
    todos: int
    #: Marks of days that are to be computed again.
    dirty: int
    #: Jobs that are due or being done.
    jobs: int

    @property
    def anything(self) -> bool:
        """True while there is."""
        return self.marker or self.todos > 0 or self.dirty > 0 or self.jobs > 0


@dataclass(frozen=True, kw_only=True)
class Settled:
    """How it went."""

    seconds: float
    pending: Pending

    @property
    def settled(self) -> bool:
        """False: it timed out."""
        return not self.pending.anything

    def as_json(self) -> dict[str, Any]:
        """``settled``, ``seconds``; ``marker``, ``todos``, ``dirty`` and ``jobs`` under ``pending``."""
        pending = self.pending
        return {
            "settled": self.settled,
            "seconds": round(self.seconds, 3),
            "pending": {
                "marker": pending.marker,
                "todos": pending.todos,
                "dirty": pending.dirty,
                "jobs": pending.jobs,
            },
        }

    def in_words(self) -> str:
        """One sentence."""
        if self.settled:
            return f"settled after {self.seconds:.2f} s"
        what = ["messages that are not stored"] if self.pending.marker else []
        what += [f"{self.pending.todos} messages to decode"] if self.pending.todos else []
        what += [f"{self.pending.dirty} marks of days to compute"] if self.pending.dirty else []
        what += [f"{self.pending.jobs} jobs"] if self.pending.jobs else []
        return f"not settled within {self.seconds:.2f} s, pending: {', '.join(what)}"


def settle(settings: Settings, *, timeout_s: float) -> Settled:
    """Send a marker of our own behind everything, and wait for it and for what follows from it.

    Leads can be older than usage without any mark or job: a day that has begun, a policy that is new. That
    the worker alone can tell, by its own clock and policies, so a sweep is asked for once the rest is done;
    the worker leaves it out where nothing is new. Devices are looked at in any case: what they sent may clear
    an alert.

    Parameters
    ----------
    timeout_s : float
        How long to wait at most, in real time.

    Raises
    ------
    BrokerAway, DatabaseAway
        They cannot be reached at all.
    """
    begun = time.monotonic()
    marker = uuid4()
    with (
        connect(stack.database_url(settings), name="settle", autocommit=True) as connection,
        _client(stack.mqtt_url(settings), marker, timeout_s) as client,
    ):
        sent_at, asked = None, False
        while True:
            left = _pending(connection, marker)
            if not left.anything and not asked:
                with connection.transaction():
                    request(connection, Kind.sweep)
                    request(connection, Kind.watch)
                left, asked = _pending(connection, marker), True
            if not left.anything or time.monotonic() - begun > timeout_s:
                break
            if left.marker and (sent_at is None or time.monotonic() - sent_at > _AGAIN_S):
                client.publish(_TOPIC, f'{{"marker": "{marker}"}}', qos=1)
                sent_at = time.monotonic()
            time.sleep(_PAUSE_S)
    return Settled(seconds=time.monotonic() - begun, pending=left)


def _pending(connection: Connection, marker: UUID) -> Pending:
    row = connection.execute(_QUERIES["pending"], {"marker": marker, "now": datetime.now(UTC)}).fetchone()
    assert row is not None
    return Pending(marker=row[0], todos=row[1], dirty=row[2], jobs=row[3])


@contextlib.contextmanager
def _client(url: str, marker: UUID, timeout_s: float) -> Iterator[mqtt.Client]:
    broker = BrokerAddress.parse(url)
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=f"settle-{marker}", protocol=mqtt.MQTTv5)
    if broker.username is not None:
        client.username_pw_set(broker.username, broker.password)
    if broker.tls:
        client.tls_set(broker.ca, broker.cert, broker.key)
    client.connect_timeout = max(1.0, timeout_s)
    try:
        client.connect(broker.host, broker.port)
    except OSError as error:
        raise BrokerAway(f"the broker at {broker} cannot be reached: {error}") from error
    client.loop_start()
    try:
        yield client
    finally:
        client.disconnect()
        client.loop_stop()
