"""The process `anju worker`: marks and jobs in the database drive it, `NOTIFY usage_dirty` wakes it.

Marks ask for the job `recompute`, which in the transaction that changes something asks for the job
`sweep`. A job stays visible as waiting or being done until it is really done, pauses and failures
included: with no mark and no job left, leads are up to date. Nothing rests on a notification or on a
job that was lost: every few seconds the worker looks for marks, for leads that are older than usage,
and for jobs of workers that are gone.
"""

import asyncio
import contextlib
import logging
import signal
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path

import psycopg
from procrastinate import App, PsycopgConnector, RetryStrategy
from procrastinate.exceptions import ConnectorException
from procrastinate.worker import Worker
from psycopg_pool import PoolTimeout

from anju.jobs import QUEUE, Kind, request, revive
from anju.work import Work
from ingest import todos
from ingest.decoding import Decoding
from policy.book import PolicyBook
from storage.errors import DatabaseAway
from storage.pool import Connection, Pool, open_pool
from usage.recompute import has_marks

_log = logging.getLogger(__name__)

#: A job that waited for one of its kind is fetched at the next look at the queue: nothing announces it.
_FETCH_EVERY_S = 0.25
#: The longest sleep without a notification.
_LOOK_EVERY_S = 5.0
#: A worker that did not give a sign for so long is gone; signs come in the second of these.
_SILENT_FOR_S, _SIGN_EVERY_S = 5.0, 1.0
#: After a sweep the next one waits so many times as long as it took: under a steady stream of readings a
#: fifth of the time goes into sweeps, be the estate small or large.
_REST = 4.0
_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 60.0
_AWAY = (DatabaseAway, ConnectorException, PoolTimeout, psycopg.OperationalError)


def run(
    *,
    dsn: str,
    books: Mapping[str, PolicyBook],
    now: Callable[[], datetime],
    retention: bool = False,
    data_dir: Path | None = None,
    decoding: Decoding | None = None,
    ready: Callable[[], None] = lambda: None,
    stop: threading.Event | None = None,
) -> None:
    """Work until SIGTERM, SIGINT or `stop`; the transaction at hand is finished first.

    Parameters
    ----------
    dsn : str
        A database whose schema is this version's.
    books : mapping of str to PolicyBook
        By city.
    now : callable
        Business time.
    data_dir : Path or None
        Whose disk must have room.
    retention : bool
        Remove rows older than policy keeps, once a day.
    decoding : Decoding
        Runs vendors' own decoders; None: another worker does. Closed in the end.
    ready : callable
        Called when the worker hears what happens.
    """
    work = Work(books=books, now=now, data_dir=data_dir)
    process = _Process(dsn, work, ready, retention=retention, decoding=decoding)
    try:
        asyncio.run(process.serve(stop or threading.Event()))
    finally:
        if decoding is not None:
            decoding.close()


class _Process:
    """The worker while it runs."""

    def __init__(
        self,
        dsn: str,
        work: Work,
        ready: Callable[[], None],
        *,
        retention: bool,
        decoding: Decoding | None,
    ) -> None:
        self._retention = retention
        self._decoding = decoding
        self._dsn = dsn
        self._work = work
        self._ready = ready
        self._stop = threading.Event()
        self._stopping = asyncio.Event()
        self._rest_until = 0.0
        #: When devices were last looked at, in real time: the clock of business may stand still.
        self._watched_s = time.monotonic()

    async def serve(self, stop: threading.Event) -> None:
        """Work, over again whenever the database was away."""
        loop = asyncio.get_running_loop()
        self._stop = stop
        told = asyncio.create_task(self._wait_for_stop())
        for number in (signal.SIGTERM, signal.SIGINT):
            with contextlib.suppress(ValueError, RuntimeError):  # not the main thread: `stop` alone
                loop.add_signal_handler(number, stop.set)
        pause = _PAUSE_S
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                await self._work_on()
            except _AWAY as error:
                _log.warning("the database is away: %s", error, extra={"action": "database_away"})
            if time.monotonic() - began > _LONGEST_PAUSE_S:
                pause = _PAUSE_S
            await self._sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_S)
        await told
        _log.info("stopped", extra={"action": "worker_stopped"})

    async def _wait_for_stop(self) -> None:
        await asyncio.to_thread(self._stop.wait)
        self._stopping.set()

    async def _work_on(self) -> None:
        """Work until a stop is asked for or the database is lost."""
        # a connection a job, and one to look what is due
        pool = await asyncio.to_thread(open_pool, self._dsn, name="worker", size=len(Kind) + 1)
        app = App(connector=PsycopgConnector(conninfo=self._dsn, min_size=1, max_size=4))
        try:
            async with app.open_async():
                self._add_tasks(app, pool)
                worker = Worker(
                    app,
                    queues=[QUEUE],
                    concurrency=len(Kind),
                    delete_jobs="successful",
                    install_signal_handlers=False,
                    fetch_job_polling_interval=_FETCH_EVERY_S,
                    update_heartbeat_interval=_SIGN_EVERY_S,
                    stalled_worker_timeout=_SILENT_FOR_S,
                )
                await _together(worker, worker.run(), self._watch(app, pool))
        finally:
            await asyncio.to_thread(pool.close)

    def _add_tasks(self, app: App, pool: Pool) -> None:
        def add(kind: Kind, body: Callable[[], Awaitable[None]]) -> None:
            async def task() -> None:
                await self._until_done(kind, body)

            # what fails while it stops waits for the next start
            app.task(name=kind, queue=QUEUE, lock=kind, queueing_lock=kind, retry=RetryStrategy())(task)

        async def recompute() -> None:
            await asyncio.to_thread(self._recompute, pool)

        async def sweep() -> None:
            if not await asyncio.to_thread(self._is_stale, pool):
                return
            await self._sleep(self._rest_until - time.monotonic())
            await asyncio.to_thread(self._leave_sweep if self._stopping.is_set() else self._sweep, pool)

        async def decode() -> None:
            await asyncio.to_thread(self._decode, pool)

        async def retain() -> None:
            await asyncio.to_thread(self._daily, pool, self._work.retention_is_due, self._work.remove_old)

        async def pack() -> None:
            await asyncio.to_thread(self._daily, pool, self._work.packing_is_due, self._work.pack)

        async def watch() -> None:
            await asyncio.to_thread(self._watch_devices, pool)

        add(Kind.recompute, recompute)
        add(Kind.sweep, sweep)
        add(Kind.watch, watch)
        add(Kind.decode, decode)
        add(Kind.pack, pack)
        add(Kind.retain, retain)

    async def _until_done(self, kind: Kind, body: Callable[[], Awaitable[None]]) -> None:
        """Try until it succeeds; the job counts as being done meanwhile."""
        pause = _PAUSE_S
        while True:
            try:
                await body()
            except Exception:  # the edge of the process: what fails is told and tried again
                _log.exception("%s failed", kind, extra={"action": "job_failed", "kind": str(kind)})
                await self._sleep(pause)
                if self._stopping.is_set():
                    raise
                pause = min(pause * 2, _LONGEST_PAUSE_S)
            else:
                return

    def _recompute(self, pool: Pool) -> None:
        more = True
        while more and not self._stop.is_set():
            with pool.connection() as connection:
                more = self._work.recompute(connection)

    def _decode(self, pool: Pool) -> None:
        more = self._decoding is not None
        while more and not self._stop.is_set():
            with pool.connection() as connection:
                more = self._decoding is not None and self._decoding.run(connection)

    def _is_stale(self, pool: Pool) -> bool:
        with pool.connection() as connection:
            return self._work.is_stale(connection)

    def _sweep(self, pool: Pool) -> None:
        began = time.monotonic()
        with pool.connection() as connection:
            self._work.renew(connection)
        with pool.connection() as connection:
            self._work.sweep(connection)
        ended = time.monotonic()
        self._rest_until = ended + _REST * (ended - began)

    def _watch_devices(self, pool: Pool) -> None:
        with pool.connection() as connection:
            self._work.watch(connection)
        self._watched_s = time.monotonic()

    def _watch_is_due(self, connection: Connection) -> bool:
        waited_s = time.monotonic() - self._watched_s
        return waited_s >= self._work.watch_every().total_seconds() or self._work.watch_is_due(connection)

    def _daily(
        self, pool: Pool, is_due: Callable[[Connection], bool], round_: Callable[[Connection], Iterator[None]]
    ) -> None:
        """Do a round if it is due; broken off, the next start goes on with it."""
        with pool.connection() as connection:
            if not is_due(connection):
                return
            for _ in round_(connection):
                if self._stop.is_set():
                    return

    def _leave_sweep(self, pool: Pool) -> None:
        """Have another one wait for the next start."""
        with pool.connection() as connection:
            request(connection, Kind.sweep)

    async def _watch(self, app: App, pool: Pool) -> None:
        """Ask for the jobs that are due, at every notification and every few seconds."""
        async with await psycopg.AsyncConnection.connect(self._dsn, autocommit=True) as ear:
            await ear.execute("SELECT set_config('application_name', 'anju worker', false)")
            await ear.execute("LISTEN decode_todo")
            await ear.execute("LISTEN usage_dirty")
            self._ready()
            while not self._stopping.is_set():
                await asyncio.to_thread(self._ask, pool)
                revived = await revive(app.job_manager, silent_for_s=_SILENT_FOR_S)
                if revived:
                    _log.warning("revived %d jobs", revived, extra={"action": "jobs_revived"})
                await self._hear(ear)

    def _ask(self, pool: Pool) -> None:
        with pool.connection() as connection:
            if has_marks(connection):
                request(connection, Kind.recompute)
            elif self._work.is_stale(connection):
                request(connection, Kind.sweep)
            if self._watch_is_due(connection):
                request(connection, Kind.watch)
            if self._decoding is not None and todos.waiting(connection):
                request(connection, Kind.decode)
            if self._work.packing_is_due(connection):
                request(connection, Kind.pack)
            if self._retention and self._work.retention_is_due(connection):
                request(connection, Kind.retain)

    async def _hear(self, ear: psycopg.AsyncConnection) -> None:
        async def hear() -> None:
            async for _ in ear.notifies(timeout=_LOOK_EVERY_S, stop_after=1):
                pass

        await _first(hear(), self._stopping.wait())

    async def _sleep(self, seconds: float) -> None:
        """Sleep, or until a stop is asked for."""
        if seconds > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), seconds)


async def _together(worker: Worker, working: Awaitable[None], watching: Awaitable[None]) -> None:
    """Run both; when one ends, the worker is told to end what it has at hand."""
    tasks = [asyncio.ensure_future(working), asyncio.ensure_future(watching)]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    worker.stop()
    if tasks[0].done():
        tasks[1].cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            raise outcome


async def _first(*waiting: Awaitable[object]) -> None:
    """Wait for the first of these; the others are given up."""
    tasks = [asyncio.ensure_future(one) for one in waiting]
    done, rest = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
    for task in done:
        await task
