"""Commands to the broker: claimed, committed, published, and told what became of it.

The loop of `ingest.service` calls `look` between batches; most of the time that is one small question a
second. A command is sent until its device answers or its time is up; nothing is ever retained.
"""

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from devices import orders
from ingest.broker import Broker
from ingest.errors import NotPublished
from storage.pool import Connection
from wire.envelope import CommandMessage, command_topic

_log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
#: What did not reach the broker, or nobody there, is tried again after so long.
RETRY_S = 5.0
#: What no device has answered is sent again after so long, then after twice as long, and so on.
AGAIN_AFTER = timedelta(seconds=15)
_AT_ONCE = 100
_ISSUER = "anju"


class Dispatcher:
    """Sends commands over one broker's connection."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._next_s = 0.0
        #: On their way to the broker.
        self._pending: dict[UUID, Future[bool]] = {}
        #: By command, when it is tried again.
        self._later_s: dict[UUID, float] = {}

    def look(self, connection: Connection, broker: Broker) -> None:
        """Send what is due and record what became of what was sent; seldom does anything."""
        at_s = time.monotonic()
        done = [command_id for command_id, outcome in self._pending.items() if outcome.done()]
        if at_s < self._next_s and not done:
            return
        self._next_s = at_s + LOOK_EVERY_S
        with connection.transaction():
            for command_id in done:
                self._record(connection, command_id, at_s)
            self._later_s = {c: due_s for c, due_s in self._later_s.items() if due_s > at_s}
            claimed = self._claim(connection, broker) if orders.anything_open(connection) else []
        for command_id in done:
            del self._pending[command_id]
        for order in claimed:
            self._send(order, broker)

    def _claim(self, connection: Connection, broker: Broker) -> list[orders.Order]:
        now = self._now()
        orders.expire(connection, now)
        if not broker.connected:
            return []
        busy = self._pending.keys() | self._later_s.keys()
        return orders.claim(connection, busy=busy, again_after=AGAIN_AFTER, now=now, limit=_AT_ONCE)

    def _send(self, order: orders.Order, broker: Broker) -> None:
        left_s = (order.expires_at - self._now()).total_seconds()
        message = CommandMessage(
            id=str(order.id),
            name=order.name,
            args=dict(order.arguments),
            expires_at=order.expires_at,
            issuer=_ISSUER,
        )
        self._pending[order.id] = broker.publish(
            command_topic(order.device),
            msgspec.json.encode(message),
            expiry_s=left_s,
            correlation=str(order.id).encode(),
        )

    def _record(self, connection: Connection, command_id: UUID, at_s: float) -> None:
        try:
            somebody = self._pending[command_id].result()
        except NotPublished as error:
            _log.info("a command was not sent: %s", error, extra={"action": "command.not_sent"})
            somebody = False
        if somebody:
            orders.taken(connection, command_id, self._now())
        else:
            orders.not_taken(connection, command_id)
            self._later_s[command_id] = at_s + RETRY_S
