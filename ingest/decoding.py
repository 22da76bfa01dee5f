"""Vendors' own decoders, which must not run inside ingest: messages for them are replaced by what they say.

A row is claimed, its script run in a process that can be killed (`devices.codecs`), and then the row taken
away and what it says stored in one transaction: by the same judgement as any message, under the journal's
block it came with. A crash in between leaves the row. How often that may happen to one row is policy: what
kills the worker must not do so for ever.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from devices import registry
from devices.codecs.runner import Job, Outcome, Runner
from devices.codecs.scripts import Scripts
from devices.decoders.elements import Refusal
from devices.decoders.fields import flatten, parse_json
from devices.decoders.reports import DecodeError
from devices.errors import ScriptUnreadable
from ingest import quarantine, store
from ingest.arrival import Spread
from ingest.bound import Bound
from ingest.content import Framed, Sorted
from ingest.limits import limits_of
from ingest.message import Message
from ingest.pipeline import REFUSED
from ingest.sorting import Sorter
from policy.groups import Ingest
from storage.pool import Connection
from storage.queries import load
from wire.instants import to_us
from wire.reasons import Reason

_log = logging.getLogger(__name__)
_SQL = load("ingest", "todos.sql")
#: Claimed at once.
_CLAIM = 500
#: What is done is stored at so many, or after so long.
_STORE_AT, _STORE_AFTER_S = 100, 0.2
#: In `ingest_tally`.
SOURCE = "scripts"
_UNDECODED = 0
#: Who sent a message was judged when it came.
_NO_TOPICS = Bound(())


@dataclass(kw_only=True)
class _Row:
    """One row while it is at hand."""

    id: int
    journal_id: int
    device_id: int
    message: Message
    flags: int
    attempts: int
    #: Jobs that are not done yet.
    open: int = 0
    #: What its scripts made of it.
    framed: list[Framed] = field(default_factory=list)
    refusals: list[tuple[Refusal, int]] = field(default_factory=list)


class Decoding:
    """Decodes what waits, over one runner and one set of scripts.

    Parameters
    ----------
    rules : Callable[[datetime], Ingest]
        The policy's rules on a day.
    now : Callable[[], datetime]
        Business time.
    """

    def __init__(
        self,
        *,
        rules: Callable[[datetime], Ingest],
        now: Callable[[], datetime],
        scripts: Scripts,
        runner: Runner | None = None,
    ) -> None:
        self._rules = rules
        self._now = now
        self._scripts = scripts
        self._runner = runner or Runner()
        self._sorter: Sorter | None = None

    def close(self) -> None:
        """End the runner's processes."""
        self._runner.close()

    def run(self, connection: Connection) -> bool:
        """Decode what waits, up to some hundreds of messages; whether there were any.

        The connection is in no transaction.

        Raises
        ------
        psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError
            The database is away: what was not stored waits.
        RunnerBroken
            Scripts cannot be run at all.
        """
        rules = self._rules(self._now())
        with connection.transaction():
            rows = [_row(found) for found in connection.execute(_SQL["claim"], {"limit": _CLAIM})]
            sorter = self._current_sorter(connection)
        done: list[_Row] = []
        since_s = time.monotonic()
        for row in self._decoded(rows, sorter, rules):
            done.append(row)
            if len(done) >= _STORE_AT or time.monotonic() - since_s > _STORE_AFTER_S:
                self._store(connection, done)
                done, since_s = [], time.monotonic()
        self._store(connection, done)
        return bool(rows)

    def complete(self, content: Sorted, sorter: Sorter) -> None:
        """Decode what a batch holds for scripts, at once and into itself: for replay, which holds up nobody.

        Raises
        ------
        RunnerBroken
            Scripts cannot be run at all.
        """
        if not content.todos:
            return
        rows = [
            _Row(
                id=number,
                journal_id=0,
                device_id=todo.device_id,
                message=todo.message,
                flags=todo.flags,
                attempts=0,
            )
            for number, todo in enumerate(content.todos)
        ]
        content.todos.clear()
        for row in self._decoded(rows, sorter, self._rules(self._now())):
            _say(row, sorter, content)

    def _decoded(self, rows: Iterable[_Row], sorter: Sorter, rules: Ingest) -> Iterator[_Row]:
        """Run what is to be run; rows come when all of them is done."""
        jobs: list[Job] = []
        owners: list[tuple[_Row, Framed]] = []
        for row in rows:
            if row.attempts > rules.script_attempts:
                row.refusals.append((Refusal(Reason.script_failed, "broken off again and again"), _UNDECODED))
            else:
                found = self._jobs(row, sorter, first_id=len(jobs))
                jobs += [job for job, _ in found]
                owners += [(row, framed) for _, framed in found]
            if not row.open:
                yield row
        for outcome in self._runner.run(jobs, limit_s=rules.script_time.total_seconds()):
            row, framed = owners[outcome.job.id]
            self._take(row, framed, outcome)
            row.open -= 1
            if not row.open:
                yield row

    def _jobs(self, row: _Row, sorter: Sorter, *, first_id: int) -> list[tuple[Job, Framed]]:
        made: list[tuple[Job, Framed]] = []
        for framed in sorter.framed(row.message, row.device_id):
            frame, codec = framed.report.frame, framed.device.profile.codec
            assert frame is not None
            assert codec is not None
            try:
                script = self._scripts.read(codec)
            except ScriptUnreadable as error:
                row.refusals.append((Refusal(Reason.script_failed, str(error)), framed.decoder))
                continue
            job = Job(
                id=first_id + len(made),
                device_id=row.device_id,
                script=script,
                data=frame.data,
                port=frame.port,
                received_us=row.message.received_us,
                variables=framed.device.profile.options,
            )
            made.append((job, framed))
        row.open = len(made)
        if not made and not row.refusals:
            nothing = "the device has no script any more, or the message nothing for it"
            row.refusals.append((Refusal(Reason.script_failed, nothing), _UNDECODED))
        return made

    @staticmethod
    def _take(row: _Row, framed: Framed, outcome: Outcome) -> None:
        codec = framed.device.profile.codec
        if outcome.data is None:
            refusal = Refusal(Reason.script_failed, f"{codec}: {outcome.error}")
            row.refusals.append((refusal, framed.decoder))
            return
        try:
            fields = flatten(parse_json(outcome.data.encode("utf-8", "surrogatepass")))
        except DecodeError as error:
            refusal = Refusal(Reason.script_failed, f"{codec}: {error.refusal.detail}")
            row.refusals.append((refusal, framed.decoder))
        else:
            report = msgspec.structs.replace(framed.report, fields=fields, frame=None)
            row.framed.append(msgspec.structs.replace(framed, report=report))

    def _store(self, connection: Connection, rows: list[_Row], *, refused: Refusal | None = None) -> None:
        """Replace rows by what they say, all of them or none; what the database refuses costs itself only."""
        if not rows:
            return
        try:
            with connection.transaction():
                ids = {row.id for row in rows}
                there = {found for (found,) in connection.execute(_SQL["take"], {"ids": list(ids)})}
                self._write(connection, [row for row in rows if row.id in there], refused)
        except REFUSED as error:
            if len(rows) > 1:
                for row in rows:
                    self._store(connection, [row])
                return
            said = str(error.diag.message_primary or error)
            _log.warning(
                "the database refuses what a script made: %s",
                said,
                extra={"action": "ingest.refused_by_database"},
            )
            self._store(connection, rows, refused=Refusal(Reason.refused_by_database, said))

    def _write(self, connection: Connection, rows: Iterable[_Row], refused: Refusal | None) -> None:
        sorter, now = self._current_sorter(connection), self._now()
        blocks: defaultdict[int, list[_Row]] = defaultdict(list)
        for row in rows:
            blocks[row.journal_id].append(row)
        for journal_id, of_block in sorted(blocks.items()):
            content = Sorted()
            for row in of_block:
                if refused is None:
                    _say(row, sorter, content)
                else:
                    content.quarantine(row.message, row.message.payload, refused, _UNDECODED)
            written = store.write(
                connection, content, journal_id=journal_id, registry=sorter.registry, staged=True
            )
            quarantined = quarantine.put(connection, content.quarantined, journal_id=journal_id)
            store.tally(connection, day=now.date(), source=SOURCE, written=written, quarantined=quarantined)

    def _current_sorter(self, connection: Connection) -> Sorter:
        """Sort by the registry as it is in this transaction."""
        version = registry.hold(connection)
        known = self._sorter
        found = known.registry if known is not None else None
        if found is None or found.version != version:
            found = registry.load(connection)
        limits = limits_of(self._rules(self._now()))
        self._sorter = Sorter(registry=found, limits=limits, bound=_NO_TOPICS)
        return self._sorter


def _say(row: _Row, sorter: Sorter, content: Sorted) -> None:
    """Take in what came of a row."""
    for refusal, decoder in row.refusals:
        content.quarantine(row.message, row.message.payload, refusal, decoder)
    spread = Spread(row.message.received_us)
    for framed in row.framed:
        sorter.decoded(framed, row.message, content, spread=spread, flags=row.flags)


def _row(found: tuple[Any, ...]) -> _Row:
    id_, received_at, journal_id, device_id, topic, payload, quality, attempts = found
    received_us = to_us(received_at)
    return _Row(
        id=id_,
        journal_id=journal_id,
        device_id=device_id,
        message=Message(topic=topic, payload=bytes(payload), received_us=received_us),
        flags=quality,
        attempts=attempts,
    )
