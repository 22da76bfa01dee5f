"""`/in`: where devices and vendors' clouds post what they have to say. No session, no pages.

A sender proves itself by a secret of its own, issued once (`devices.credentials`): by HTTP Basic, with
its code as user name, or where it can be told an address only, as `key` in the query. The path is logged,
the query is not. The reply is what the vendor takes for a confirmation, and is sent after the commit: without
it the vendor sends again.
"""

import base64
import binascii
import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, FastAPI, Path, Request, Response
from starlette.concurrency import run_in_threadpool

from api.deps import Deps, deps_of
from api.problems import Problem
from api.rules import LoginRules
from devices import credentials
from ingest.arrival import Arrivals
from ingest.errors import BodyUnreadable, ReceiverBusy
from ingest.message import Message
from ingest.receivers import (
    ALIYUN,
    FACE_GATE,
    GATEWAY,
    HIKVISION,
    HUAWEI,
    RECEIVERS,
    TTLOCK,
    Receiver,
    Reception,
    message_of,
)
from policy.groups import Receivers
from wire.envelope import is_device_code

router = APIRouter(tags=["receivers"])

PREFIX = "/in"
#: Addresses and senders that are remembered.
_REMEMBERED = 10_000

Sender = Annotated[str, Path(description="Code of the device that posts, or of its gateway or account.")]


class Doorman:
    """Counts wrong secrets by the address they come from; whoever was let in lately is not held up by it."""

    def __init__(self, rules: LoginRules, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = rules.receiver_failures
        self._window_s = rules.receiver_window.total_seconds()
        self._clock = clock
        self._lock = threading.Lock()
        #: By address: when the window began, and how many failed in it.
        self._failed: OrderedDict[str, tuple[float, int]] = OrderedDict()
        self._known: OrderedDict[bytes, None] = OrderedDict()

    def admits(self, address: str, mark: bytes) -> bool:
        """Whether a request is looked at at all."""
        with self._lock:
            began, failed = self._failed.get(address, (0.0, 0))
            return mark in self._known or failed < self._most or self._clock() - began > self._window_s

    def note(self, address: str, mark: bytes, *, proven: bool) -> None:
        """Record how it went."""
        with self._lock:
            if proven:
                self._known[mark] = None
                self._known.move_to_end(mark)
            else:
                self._known.pop(mark, None)
                now = self._clock()
                began, failed = self._failed.get(address, (now, 0))
                if now - began > self._window_s:
                    began, failed = now, 0
                self._failed[address] = (began, failed + 1)
                self._failed.move_to_end(address)
            for remembered in (self._known, self._failed):
                if len(remembered) > _REMEMBERED:
                    remembered.popitem(last=False)


def body_limits(deps: Deps) -> dict[str, Callable[[], int]]:
    """How many bytes a body may have, by how the path begins: they may hold pictures."""

    def limit(receiver: Receiver) -> Callable[[], int]:
        return lambda: receiver.max_kib(_rules(deps)) * 1024

    return {f"{PREFIX}/{receiver.name}/": limit(receiver) for receiver in RECEIVERS}


def install(app: FastAPI, deps: Deps) -> None:
    """Make what the receivers of an application share."""
    app.state.doorman = Doorman(deps.rules)
    app.state.arrivals = Arrivals(deps.now)
    app.state.reception = Reception(
        rules=lambda now: deps.books[deps.city].on(now.date()).ingest, now=deps.now, keyed=deps.key.hash
    )


def _add_route(receiver: Receiver, says: str, *types: str) -> None:
    """Open one way in. `says` is what is posted there, for the document."""

    async def receive(request: Request, sender: Sender) -> Response:
        return await _receive(receiver, request, sender)

    router.add_api_route(
        f"{PREFIX}/{receiver.name}/{{sender}}",
        receive,
        methods=["POST"],
        name=f"receive_{receiver.name.replace('-', '_')}",
        description=says,
        response_class=Response,
        responses={
            200: {
                "description": "Stored, or quarantined for people to look at.",
                "content": {receiver.reply_type: {"schema": {"type": "string"}, "example": receiver.reply}},
            },
            401: {"description": "The sender is not known, or its secret is not correct."},
            429: {
                "description": "Too many requests from this address had a wrong secret; or the sender is"
                " above its rate: what it sent is kept all the same, and taken in when it is sent again."
            },
        },
        openapi_extra={
            "x-receiver": True,
            "requestBody": {
                "required": True,
                "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in types},
            },
        },
    )


_JSON = "application/json"
_add_route(
    HIKVISION,
    "An event of a Hikvision access controller or face panel (ISAPI, HTTP listening).",
    *(_JSON, "application/xml", "multipart/form-data"),
)
_add_route(
    TTLOCK, "A callback of the TTLock cloud; the sender is the account.", "application/x-www-form-urlencoded"
)
_add_route(FACE_GATE, "A record, snapshot or heartbeat of a face gate in its HTTP mode.", _JSON)
_add_route(HUAWEI, "What Huawei's IoT cloud pushes; the sender is the account.", _JSON)
_add_route(ALIYUN, "What Alibaba's IoT cloud pushes; the sender is the account.", _JSON)
_add_route(GATEWAY, "What a concentrator or gateway posts of its meters, as JSON of its own.", _JSON)


async def _receive(receiver: Receiver, request: Request, sender: str) -> Response:
    """Let in, then read, then store: nobody makes us hold a body who has not proven who he is."""
    deps = deps_of(request)
    await run_in_threadpool(_let_in, deps, request, sender)
    body = await request.body()
    arrivals: Arrivals = request.app.state.arrivals
    arrivals.look()
    try:
        message = message_of(
            receiver,
            sender=sender,
            body=body,
            content_type=request.headers.get("content-type", ""),
            received_us=arrivals.stamp(len(body)),
        )
    except BodyUnreadable as error:
        raise Problem("malformed") from error
    wait_s = await run_in_threadpool(_store, deps, request.app.state.reception, message)
    if wait_s is not None and receiver.later is not None:
        return Response(
            receiver.later,
            status_code=429,
            media_type=receiver.reply_type,
            headers={"Retry-After": str(wait_s)},
        )
    return Response(receiver.reply, media_type=receiver.reply_type)


def _let_in(deps: Deps, request: Request, sender: str) -> None:
    doorman: Doorman = request.app.state.doorman
    address = request.client.host if request.client is not None else ""
    secret = _secret(request, sender)
    mark = hashlib.sha256(f"{sender}\x00{secret}".encode("utf-8", "surrogatepass")).digest()
    if not doorman.admits(address, mark):
        raise Problem(
            "too_many_wrong", headers={"Retry-After": str(int(deps.rules.receiver_window.total_seconds()))}
        )
    with deps.connection() as connection:
        code = sender if is_device_code(sender) else ""
        proven = credentials.verify(connection, code=code, kind="http", secret=secret)
    doorman.note(address, mark, proven=proven)
    if not proven:
        raise Problem("sender_refused", headers={"WWW-Authenticate": 'Basic realm="anju"'})


def _store(deps: Deps, reception: Reception, message: Message) -> int | None:
    try:
        with deps.connection() as connection:
            return reception.store(connection, message, within_s=_rules(deps).wait.total_seconds())
    except ReceiverBusy as error:
        raise Problem("busy", headers={"Retry-After": "1"}) from error


def _rules(deps: Deps) -> Receivers:
    return deps.books[deps.city].on(deps.now().date()).receivers


def _secret(request: Request, sender: str) -> str:
    """What the request proves itself by; nothing where it says it is another's."""
    scheme, _, credential = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return request.query_params.get("key", "")
    try:
        user, _, password = base64.b64decode(credential.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return password if user == sender else ""
