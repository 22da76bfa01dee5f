"""Decode what was received again, after a decoder, a profile or the registry was put right.

The journal's blocks are decoded into tables beside the real ones, which may take long and holds nobody up.
Then one transaction archives the rows that would now be said otherwise, takes them out, puts the new ones in
and marks the days they touch. Rows that stay the same stay untouched, so a replay repeated changes nothing.
Leads and cases keep what they cited: they hold copies.

A block is always taken whole: a row is known to be gone only when the block that it came from was read.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

from psycopg.types.json import Jsonb

from devices import registry
from devices.codecs.scripts import Scripts
from devices.formats import FORMATS
from ingest import packs, quarantine, store
from ingest.bound import Bound
from ingest.content import Quarantined, Sorted, digest_of, storable
from ingest.decoding import Decoding
from ingest.errors import RegistryMoved, UnknownDecoder, UnknownDevice
from ingest.journal import Journaled
from ingest.limits import limits_of
from ingest.message import Message
from ingest.sorting import Sorter
from policy.groups import Ingest
from storage import audit
from storage.pool import Connection
from storage.queries import load
from wire.reasons import Reason

_SQL = load("ingest", "replay.sql")
#: A block is named by its first message; the one that was asked for may stand this far behind it, when the
#: database was away meanwhile.
_REACH = timedelta(minutes=10)
_BLOCKS_AT_ONCE = 50
#: `decoder` is a number that stays, times this, and a version.
_VERSIONS = 100
_NATIVE = "native-v1"


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What is to be decoded again."""

    #: By arrival, half-open; aware.
    since: datetime
    until: datetime
    #: Codes; empty: all.
    devices: frozenset[str] = frozenset()
    #: Name of a wire format; None: all.
    decoder: str | None = None
    #: Only blocks that something was quarantined of, for this reason if one is named.
    quarantined: bool = False
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a replay."""

    blocks: int
    messages: int
    #: Rows that were there and would now be said otherwise, or not at all: archived.
    replaced: int
    #: Rows that are new or say something else now.
    written: int
    #: Messages in quarantine that are good now, and that were not there before.
    released: int
    quarantined: int
    #: Days of homes that are derived again.
    marked: int
    #: False: nothing was changed, this is what would be.
    done: bool = True


def replay(
    connection: Connection,
    scope: Scope,
    *,
    bound: Bound,
    rules: Callable[[datetime], Ingest],
    now: datetime,
    by: str,
    dry_run: bool = False,
    decoding: Decoding | None = None,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> Outcome:
    """Decode part of the journal again and swap the result in.

    Parameters
    ----------
    connection : Connection
        Of this call alone, in no transaction.
    bound, rules
        As ingest runs with (`ingest.service.run`).
    by : str
        Who asked, for the audit: ``account:…`` or ``system:…``.
    dry_run : bool
        Say what would change, and change nothing.
    decoding : Decoding | None
        Runs vendors' own decoders; None: with our own scripts only.
    progress : Callable[[int], None]
        Told how many blocks have been read, of how many that are known of.

    Raises
    ------
    UnknownDecoder, UnknownDevice
        There is no such wire format, or no such device.
    RegistryMoved
        Devices were changed meanwhile: nothing was swapped, ask again.
    """
    number = _decoder_number(scope.decoder)
    scripts = decoding or Decoding(rules=rules, now=lambda: now, scripts=Scripts())
    try:
        with connection.transaction():
            known = registry.load(connection)
        run = _Run(
            connection=connection,
            scope=scope,
            sorter=Sorter(registry=known, limits=limits_of(rules(now)), bound=bound),
            devices=_device_ids(known, scope.devices) if scope.devices else None,
            decoder=number,
            decoding=scripts,
            progress=progress,
        )
        run.decode()
        with connection.transaction(force_rollback=dry_run):
            outcome = run.swap(now=now, by=by, done=not dry_run)
    finally:
        scripts.close()
        with connection.transaction():
            connection.execute(_SQL["forget"])
    return outcome


@dataclass(kw_only=True)
class _Run:
    """One replay on its way."""

    connection: Connection
    scope: Scope
    sorter: Sorter
    #: Ids and decoder number in scope; None: all.
    devices: frozenset[int] | None
    decoder: int | None
    #: Their rows must not go because nobody ran their script.
    decoding: Decoding
    progress: Callable[[int, int], None]
    #: Blocks without one of these topics are passed over; None: none is.
    topics: frozenset[str] | None = None
    #: What was read, beside what went into the staging tables.
    blocks: int = 0
    messages: int = 0
    refused: dict[bytes, Quarantined] = field(default_factory=dict)
    #: Of each refused message, the block it came with.
    journals: dict[bytes, int] = field(default_factory=dict)
    #: Parts in scope of messages that hold others as well.
    settled: set[bytes] = field(default_factory=set)

    def decode(self) -> None:
        """Decode into the staging tables what is asked for, and what it meets there."""
        scope = self.scope
        asked = {"since": scope.since, "until": scope.until, "reach": _REACH, "reason": scope.reason}
        with self.connection.transaction():
            packs.hold(self.connection)
            self.connection.execute(_SQL["forget"])
            self.connection.execute(_SQL["shadow"])
            if scope.quarantined:
                wanted = self.connection.execute(_SQL["topics_of_quarantine"], asked).fetchall()
                if not any(reason == Reason.rate_limited for _, reason in wanted):
                    self.topics = frozenset(topic for topic, _ in wanted)
            more = self._stage("blocks_of_quarantine" if scope.quarantined else "blocks", asked)
            self.topics = None
            while more:
                more = self._stage("blocks_met", {})

    def _stage(self, statement: str, asked: dict[str, object]) -> int:
        """Decode the blocks of a statement; returns how many there were."""
        ids = [row[0] for row in self.connection.execute(_SQL[statement], asked)]
        for at in range(0, len(ids), _BLOCKS_AT_ONCE):
            blocks = self.connection.execute(
                _SQL["blocks_by_id"], {"ids": ids[at : at + _BLOCKS_AT_ONCE]}, binary=True
            )
            for number, content, is_pack in blocks.fetchall():
                for journal_id, block in packs.read_row(number, content, is_pack=is_pack):
                    self._stage_block(journal_id, block)
                self.progress(self.blocks, len(ids))
        return len(ids)

    def _stage_block(self, journal_id: int, block: Sequence[Journaled]) -> None:
        messages = [
            Message(topic=m.topic, payload=m.payload, received_us=m.received_us, properties=m.properties)
            for m in block
        ]
        if self.topics is not None and not any(storable(m.topic) in self.topics for m in messages):
            return
        content, whole = self._in_scope(messages)
        store.merge(self.connection, content, journal_id)
        self.connection.execute(
            _SQL["note_block"],
            {"id": journal_id, "topics": sorted(map(storable, whole)), "judged": sorted(content.judged)},
        )
        self.refused |= content.quarantined
        self.journals |= dict.fromkeys(content.quarantined, journal_id)
        self.blocks += 1
        self.messages += len(messages)

    def _in_scope(self, messages: list[Message]) -> tuple[Sorted, set[str]]:
        """What the messages of a block say of what is in scope, and the topics that wholly are."""
        topics = {message.topic for message in messages}
        if self.devices is None and self.decoder is None:
            return self._sort(messages), topics
        whole, shared = Sorted(), set[str]()
        for message in messages:
            if not self._settles(message):
                shared.add(message.topic)
            said = self._sort([message])
            readings = [row for row in said.readings.rows if self._is_in(row["device_id"], row["decoder"])]
            events = [(k, *e) for k, e in said.events.items() if self._is_in(k.device_id, e[0].decoder)]
            sender = self.sorter.sender(message.topic)
            is_from = self.devices is None or (sender is not None and sender.id in self.devices)
            if not readings and not events and not is_from:
                continue
            whole.readings.extend([row.tobytes() for row in readings])
            for key, found, event in events:
                whole.add_event(key, found, event)
            whole.quarantined |= said.quarantined
            whole.judged |= said.judged
        return whole, topics - shared

    def _settles(self, message: Message) -> bool:
        """Note what of a message is in scope, be it good now or refused; whether all of it is."""
        sender, parts = self.sorter.sender(message.topic), self.sorter.parts(message)
        if not parts:
            return self.decoder is None and sender is not None and self._is_in(sender.id, 0)
        ours = [
            part for part in parts if part.device_id is not None and self._is_in(part.device_id, part.decoder)
        ]
        self.settled.update(digest_of(message.topic, part.raw) for part in ours)
        return len(ours) == len(parts)

    def _sort(self, messages: list[Message]) -> Sorted:
        content = self.sorter.sort(messages)
        self.decoding.complete(content, self.sorter)
        return content

    def _is_in(self, device_id: int, decoder: int) -> bool:
        return (self.devices is None or device_id in self.devices) and (
            self.decoder is None or decoder // _VERSIONS == self.decoder
        )

    def swap(self, *, now: datetime, by: str, done: bool) -> Outcome:
        """Archive, take out, put in, mark, settle the quarantine and write down that it was done."""
        connection, known = self.connection, self.sorter.registry
        if registry.hold(connection) != known.version:
            raise RegistryMoved
        asked = {"devices": None if self.devices is None else sorted(self.devices), "decoder": self.decoder}
        connection.execute(_SQL["unshadow"])
        connection.execute(_SQL["keep_conflicts"])
        connection.execute(_SQL["old_readings"], asked)
        connection.execute(_SQL["old_events"], asked)
        run = connection.execute(
            _SQL["begin_run"], {"at": now, "by": by, "scope": Jsonb(self._said())}
        ).fetchone()
        assert run is not None
        connection.execute(_SQL["archive_readings"], {"replay": run[0]})
        connection.execute(_SQL["archive_events"], {"replay": run[0]})
        old_readings = connection.execute(_SQL["remove_readings"], binary=True).fetchall()
        old_events = connection.execute(_SQL["remove_events"], binary=True).fetchall()
        readings, events = store.merge_staged(connection)
        marks = store.marks(
            known,
            readings=store.keys(
                [*old_readings, *((d, c, t) for d, c, t, q, new in readings if _counts(q, new))]
            ),
            events=[*old_events, *((d, t) for d, t, q, new in events if _counts(q, new))],
        )
        store.mark(connection, marks)
        released, quarantined = self._settle_quarantine()
        outcome = Outcome(
            blocks=self.blocks,
            messages=self.messages,
            replaced=len(old_readings) + len(old_events),
            written=len(readings) + len(events),
            released=released,
            quarantined=quarantined,
            marked=len(marks),
            done=done,
        )
        connection.execute(_SQL["end_run"], {"id": run[0], "outcome": Jsonb(asdict(outcome))})
        audit.record(
            connection,
            at=now,
            actor=by,
            action="journal.replay",
            subject=f"replay:{run[0]}",
            detail=self._said() | asdict(outcome),
        )
        return outcome

    def _settle_quarantine(self) -> tuple[int, int]:
        """Release what is good now and take in what is not; returns how many of each."""
        rows = sorted(self.refused.items())
        hashes = [digest for digest, _ in rows]
        there = {row[0] for row in self.connection.execute(_SQL["known_quarantine"], {"hashes": hashes})}
        released = self.connection.execute(
            _SQL["settle_quarantine"],
            {
                "settled": sorted(self.settled),
                "hashes": hashes,
                "reasons": [row.refusal.reason.value for _, row in rows],
                "details": [row.refusal.detail for _, row in rows],
                "decoders": [row.decoder for _, row in rows],
            },
        ).rowcount
        new = [(digest, row) for digest, row in rows if digest not in there]
        return released, sum(
            quarantine.put(self.connection, {digest: row}, journal_id=self.journals[digest])
            for digest, row in new
        )

    def _said(self) -> dict[str, object]:
        scope = self.scope
        return asdict(scope) | {
            "since": scope.since.isoformat(),
            "until": scope.until.isoformat(),
            "devices": sorted(scope.devices),
        }


def _counts(quality: int, new: bool) -> bool:
    """Whether a merged row moves its day: one that changed may have been evidence before."""
    return not new or store.is_evidence(quality)


def _device_ids(known: registry.Registry, codes: frozenset[str]) -> frozenset[int]:
    found = {code: known.device(code) for code in codes}
    missing = sorted(code for code, device in found.items() if device is None)
    if missing:
        raise UnknownDevice(f"no such device: {', '.join(missing)}")
    return frozenset(device.id for device in found.values() if device is not None)


def _decoder_number(name: str | None) -> int | None:
    """The part of `decoder` that stays when its version counts up."""
    if name is None:
        return None
    if name == _NATIVE:
        return 1
    if name not in FORMATS:
        raise UnknownDecoder(f"no wire format {name}; there are {', '.join([_NATIVE, *FORMATS])}")
    return FORMATS[name].decoder // _VERSIONS
