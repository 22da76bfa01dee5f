"""The bodies of the lasting processes: settings in, a room's own function at work."""

import gc
import logging
import signal
import socket
import threading
from collections.abc import Mapping
from datetime import date
from importlib.metadata import version

import policy
from anju import clock, logs, readiness, retention, stack
from anju.settings import Settings
from devices import lookups
from devices.profiles import load_profiles
from ingest.address import BrokerAddress
from storage.migrate import head
from storage.migrate import migrate as migrate_storage
from storage.pool import connect, open_pool, require_schema
from storage.timescale import promote

_log = logging.getLogger(__name__)

_API_CONNECTIONS = 8
_API_GRACE_S = 5


def migrate(dsn: str) -> str:
    """Bring schema, lookup tables and layout on disk to this version; says what was reached."""
    reached = migrate_storage(dsn)
    with connect(dsn, name="migrate") as connection:
        lookups.fill(connection)
    after = retention.columnstore_after(policy_books(), clock.now().date())
    return f"{reached} on {promote(dsn, columnstore_after=after)}"


def ingest(settings: Settings) -> None:
    """Messages from the broker into the database, until SIGTERM."""
    from ingest import service  # noqa: PLC0415 - each process loads its own room only

    logs.configure("ingest")
    load_profiles()  # a broken one ends the process here, and not at every message
    book = policy.load(settings.city)
    # What a message makes holds no circles: looking for them every few hundred objects takes a quarter of
    # the time.
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    service.run(
        dsn=_migrated(settings),
        mqtt_url=stack.mqtt_url(settings),
        bound=settings.mqtt_bound,
        rules=lambda now: book.on(now.date()).ingest,
        now=clock.now,
        stop=_asked_to_stop(),
        keyed=settings.key.hash,
        on_subscribed=readiness.announce,
    )


def worker(settings: Settings) -> None:
    """Usage, day features, signals and leads, until SIGTERM."""
    from anju import worker as body  # noqa: PLC0415
    from devices.codecs.scripts import Scripts  # noqa: PLC0415
    from ingest.decoding import Decoding  # noqa: PLC0415

    logs.configure("worker")
    load_profiles()
    books = policy_books()
    warn_of_unconfirmed(books, clock.now().date())
    book = books[settings.city]
    body.run(
        dsn=_migrated(settings),
        books=books,
        now=clock.now,
        retention=settings.retention,
        data_dir=settings.data_dir,
        decoding=Decoding(
            rules=lambda now: book.on(now.date()).ingest,
            now=clock.now,
            scripts=Scripts(settings.codecs_dir),
        ),
        ready=readiness.announce,
    )


def api(settings: Settings) -> None:
    """API and console, until SIGTERM."""
    import uvicorn  # noqa: PLC0415

    from api.app import create_app  # noqa: PLC0415
    from api.deps import Deps  # noqa: PLC0415
    from api.rules import load_login_rules  # noqa: PLC0415

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                readiness.announce()

    logs.configure("api")
    load_profiles()
    logging.getLogger("uvicorn.access").addFilter(without_query)
    pool = open_pool(_migrated(settings), name="api", size=_API_CONNECTIONS)
    deps = Deps(
        pool=pool,
        now=clock.now,
        books=policy_books(),
        city=settings.city,
        key=settings.key,
        version=version("anju"),
        rules=load_login_rules(),
        https=settings.https,
        broker_alive=lambda: _answers(stack.mqtt_url(settings)),
    )
    config = uvicorn.Config(
        create_app(deps),
        host=settings.http_host,
        port=settings.http_port,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=_API_GRACE_S,
    )
    _asked_to_stop()  # uvicorn hears it first, and hands it on when it has stopped
    try:
        Server(config).run()
    finally:
        pool.close()


def policy_books() -> dict[str, policy.PolicyBook]:
    """The policies of all cities, by code."""
    return {city.code: policy.load(city.code) for city in policy.cities()}


def warn_of_unconfirmed(books: Mapping[str, policy.PolicyBook], day: date) -> None:
    """Name the rules in force that rest on general knowledge alone: a demo may run on them."""
    found = [f"{city}: {rule.key}" for city, book in books.items() for rule in book.on(day).unconfirmed]
    if found:
        _log.warning(
            "not to go live on: policy rules of general knowledge only (mark M) are in force: %s",
            ", ".join(found),
            extra={"action": "policy_unconfirmed"},
        )


def _asked_to_stop() -> threading.Event:
    """Set by SIGTERM and by Ctrl-C."""
    asked = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked.set())
    return asked


def _migrated(settings: Settings) -> str:
    """The database's address, once its schema is known to be ours."""
    dsn = stack.database_url(settings)
    with connect(dsn, name="start") as connection:
        require_schema(connection, head())
    return dsn


def _answers(mqtt_url: str) -> bool:
    broker = BrokerAddress.parse(mqtt_url)
    try:
        socket.create_connection((broker.host, broker.port), timeout=1).close()
    except OSError:
        return False
    return True


def without_query(record: logging.LogRecord) -> bool:
    """Take the query string out of an access line: it may hold a token or a name."""
    if isinstance(record.args, tuple) and len(record.args) == 5:
        client, method, path, *rest = record.args
        record.args = (client, method, str(path).partition("?")[0], *rest)
    return True
