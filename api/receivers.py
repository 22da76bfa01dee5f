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
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Path, Request, Response
from starlette.concurrency import run_in_threadpool

from api.deps import Deps, deps_of
from api.problems import Problem
from api.rules import LoginRules
from devices import credentials
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
from wire.envelope import is_device_code

router = APIRouter(tags=["receivers"])

PREFIX = "/in"
#: Bodies may be larger here: they hold pictures.
MAX_BODY_BYTES = {f"{PREFIX}/{receiver.name}/": receiver.max_bytes for receiver in RECEIVERS}
_WAIT_S = 5.0
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


def install(app: FastAPI, deps: Deps) -> None:
    """Make what the receivers of an application share."""
    app.state.doorman = Doorman(deps.rules)
    app.state.reception = Reception(
        rules=lambda now: deps.books[deps.city].on(now.date()).ingest, now=deps.now, keyed=deps.key.hash
    )


def _documented(receiver: Receiver, *types: str) -> dict[str, Any]:
    """What all receivers have in common in the document."""
    return {
        "response_class": Response,
        "responses": {
            200: {
                "description": "Stored, or quarantined for people to look at.",
                "content": {receiver.reply_type: {"schema": {"type": "string"}, "example": receiver.reply}},
            },
            401: {"description": "The sender is not known, or its secret is not correct."},
            429: {"description": "Too many requests from this address had a wrong secret."},
        },
        "openapi_extra": {
            "x-receiver": True,
            "requestBody": {
                "required": True,
                "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in types},
            },
        },
    }


@router.post(
    f"{PREFIX}/hikvision/{{sender}}",
    **_documented(HIKVISION, "application/json", "application/xml", "multipart/form-data"),
)
async def receive_hikvision(request: Request, sender: Sender) -> Response:
    """An event of a Hikvision access controller or face panel (ISAPI, HTTP listening)."""
    return await _receive(HIKVISION, request, sender)


@router.post(f"{PREFIX}/ttlock/{{sender}}", **_documented(TTLOCK, "application/x-www-form-urlencoded"))
async def receive_ttlock(request: Request, sender: Sender) -> Response:
    """A callback of the TTLock cloud; the sender is the account."""
    return await _receive(TTLOCK, request, sender)


@router.post(f"{PREFIX}/face-gate/{{sender}}", **_documented(FACE_GATE, "application/json"))
async def receive_face_gate(request: Request, sender: Sender) -> Response:
    """A record, snapshot or heartbeat of a face gate in its HTTP mode."""
    return await _receive(FACE_GATE, request, sender)


@router.post(f"{PREFIX}/huawei-iot/{{sender}}", **_documented(HUAWEI, "application/json"))
async def receive_huawei(request: Request, sender: Sender) -> Response:
    """What Huawei's IoT cloud pushes; the sender is the account."""
    return await _receive(HUAWEI, request, sender)


@router.post(f"{PREFIX}/aliyun-iot/{{sender}}", **_documented(ALIYUN, "application/json"))
async def receive_aliyun(request: Request, sender: Sender) -> Response:
    """What Alibaba's IoT cloud pushes; the sender is the account."""
    return await _receive(ALIYUN, request, sender)


@router.post(f"{PREFIX}/gateway-json/{{sender}}", **_documented(GATEWAY, "application/json"))
async def receive_gateway(request: Request, sender: Sender) -> Response:
    """What a concentrator or gateway posts of its meters, as JSON of its own."""
    return await _receive(GATEWAY, request, sender)


async def _receive(receiver: Receiver, request: Request, sender: str) -> Response:
    """Let in, then read, then store: nobody makes us hold a body who has not proven who he is."""
    deps = deps_of(request)
    await run_in_threadpool(_let_in, deps, request, sender)
    body = await request.body()
    try:
        message = message_of(
            receiver,
            sender=sender,
            body=body,
            content_type=request.headers.get("content-type", ""),
            received_at=deps.now(),
        )
    except BodyUnreadable as error:
        raise Problem("malformed") from error
    await run_in_threadpool(_store, deps, request.app.state.reception, message)
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


def _store(deps: Deps, reception: Reception, message: Message) -> None:
    try:
        with deps.connection() as connection:
            reception.store(connection, message, within_s=_WAIT_S)
    except ReceiverBusy as error:
        raise Problem("busy", headers={"Retry-After": "1"}) from error


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
