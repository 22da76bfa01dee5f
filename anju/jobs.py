"""Jobs of the worker: at most one of a kind waits, beside the one that is being done."""

from enum import StrEnum

from procrastinate.exceptions import AlreadyEnqueued, UniqueViolation
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager
from procrastinate.sync_psycopg_connector import SyncPsycopgConnector

from storage.pool import Connection
from storage.queries import load

_SQL = load("anju", "jobs.sql")
QUEUE = "anju"


class Kind(StrEnum):
    """What there is to do; also the name of its task, its lock and its queueing lock."""

    #: Marks to usage and day features.
    recompute = "recompute"
    #: Day features to signals and leads.
    sweep = "sweep"
    #: What devices and the installation say of themselves to conditions and alerts.
    watch = "watch"
    #: Messages for vendors' own decoders to what they say.
    decode = "decode"
    #: Blocks of the journal to packs.
    pack = "pack"
    #: Rows older than policy keeps to nothing.
    retain = "retain"


def request(connection: Connection, kind: Kind) -> None:
    """See to it that a job of the kind begins after the caller's transaction has committed.

    One that waits already is held until then: had the worker fetched it meanwhile, it would not see
    what the transaction brings, and nothing would be waiting afterwards.
    """
    manager = JobManager(SyncPsycopgConnector())
    job = Job(queue=QUEUE, lock=kind, queueing_lock=kind, task_name=kind)
    while not _hold_waiting(connection, kind):
        try:
            with connection.transaction():
                manager.defer_job(job, connection=connection)
        except AlreadyEnqueued:
            continue
        return


def _hold_waiting(connection: Connection, kind: Kind) -> bool:
    return connection.execute(_SQL["hold_waiting"], {"kind": kind}).fetchone() is not None


async def revive(manager: JobManager, *, silent_for_s: float) -> int:
    """Queue again what a worker that was not heard for so long left undone. Returns how many."""
    stalled = list(await manager.get_stalled_jobs(seconds_since_heartbeat=silent_for_s))
    for job in stalled:
        try:
            await manager.retry_job(job)
        except UniqueViolation:
            # another of its kind waits: it will do what this one left
            await manager.finish_job(job, Status.FAILED, delete_job=True)
    return len(stalled)
