"""mosquitto's files: what they say, as text. The same plan gives the same text.

Written for 2.0.11, as Debian ships it, and newer. What the order of the lines must be:

- Whatever belongs to a listener follows its `listener` line. Before the first of them `max_connections` and
  `use_username_as_clientid` open a further one, on port 1883 of all interfaces, in plain text.
- TLS belongs to a listener: one without its own `certfile` is plain text, whatever the port.
- Access is checked against the whole topic, a mount point included: one set of rules serves all listeners.
- Sizes (`max_packet_size`) hold for all listeners; in 2.0 there is none a listener.
- `per_listener_settings` stays false: newer versions give it up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from devices.formats import FILTERS, FORMATS, GATEWAY
from wire.envelope import FILTER, INGEST, MARKER, MONITOR, SETTLE, Kind, topic_of

#: Topics that only their own device can write on, for ANJU_MQTT_BOUND.
BOUND = ("hm/v1/+/#", f"{GATEWAY}/+/#")


@dataclass(frozen=True, kw_only=True)
class Listener:
    """Where clients connect."""

    port: int
    #: None: every interface.
    host: str | None = None
    #: Files as the broker sees them; None: plain text.
    certificate: str | None = None
    key: str | None = None
    #: Clients show a certificate of this authority, and its common name is who they are.
    client_authority: str | None = None
    revocations: str | None = None
    #: Put before all their topics, and taken off again.
    mount_point: str | None = None
    #: A client's id is its name: nobody takes over another's session. Our own processes have several ids.
    named: bool = True
    connections: int | None = None


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a client may ask of the broker."""

    #: Of a whole packet, on all listeners; a larger one ends the connection.
    packet_bytes: int
    #: What one client may leave waiting: as much as ingest needs through the longest outage.
    queued_messages: int
    queued_bytes: int
    #: In flight to one client; at least what ingest asks for.
    inflight_messages: int = 4000
    #: Between two writes of what is kept to the disk: what a crash of the broker can lose.
    autosave_s: int = 5
    session_days: int = 7


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A broker."""

    listeners: Sequence[Listener]
    limits: Limits
    #: Folders as the broker sees them: its configuration, and what it keeps.
    folder: str
    data: str
    #: `stdout`, `syslog`, or `file /path`.
    log: str = "stdout"
    #: The account it runs under when it was started by root; None: mosquitto's own choice.
    account: str | None = None


def config(plan: Plan) -> str:
    """What mosquitto.conf says."""
    limits = plan.limits
    lines = [
        "# Written by `anju broker config`: run that again instead of changing this.",
        "per_listener_settings false",
        *([f"user {plan.account}"] if plan.account is not None else []),
        "",
        "# What is acknowledged stands in memory until it is saved.",
        "persistence true",
        f"persistence_location {plan.data.rstrip('/')}/",
        f"autosave_interval {limits.autosave_s}",
        f"persistent_client_expiration {limits.session_days}d",
        "",
        f"max_inflight_messages {limits.inflight_messages}",
        f"max_queued_messages {limits.queued_messages}",
        f"max_queued_bytes {limits.queued_bytes}",
        f"max_packet_size {limits.packet_bytes}",
        "max_keepalive 300",
        "",
        "allow_anonymous false",
        "allow_zero_length_clientid false",
        f"password_file {plan.folder}/passwd",
        f"acl_file {plan.folder}/acl",
        f"log_dest {plan.log}",
        *(line for listener in plan.listeners for line in _listener(listener)),
    ]
    return "\n".join(lines) + "\n"


def access(shut_out: Sequence[str]) -> str:
    """What the access file says.

    Parameters
    ----------
    shut_out : Sequence[str]
        Devices that may do nothing any more, connected or not, whatever certificate they hold.
    """
    down = sorted({pattern for found in FORMATS.values() for pattern in found.down})
    lines = [
        "# Written by `anju broker config`: run that again instead of changing this.",
        f"user {INGEST}",
        *(f"topic read {topic}" for topic in sorted({FILTER, *FILTERS})),
        "topic write hm/v1/+/down/#",
        f"topic write {GATEWAY}/+/#",
        f"topic write {topic_of(SETTLE, Kind.readings)}",
        "",
        f"user {MARKER}",
        f"topic write {topic_of(SETTLE, Kind.readings)}",
        "",
        f"user {MONITOR}",
        "topic read $SYS/broker/#",
        *(line for code in shut_out for line in ("", f"user {code}", "topic deny #")),
        "",
        "# Of everybody, by the name that was proven at log-in.",
        "pattern write hm/v1/%u/up/#",
        "pattern read hm/v1/%u/down/#",
        f"pattern write {GATEWAY}/%u/#",
        *(f"pattern read {GATEWAY}/%u/{topic}" for topic in down),
    ]
    return "\n".join(lines) + "\n"


def passwords(hashes: Sequence[tuple[str, str]]) -> str:
    """What the password file says: names and `$7$` hashes."""
    return "".join(f"{name}:{hashed}\n" for name, hashed in sorted(hashes))


def what_takes_effect(*, changed: set[str]) -> Literal["nothing", "reload", "restart"]:
    """Say what must be done for changed files to count."""
    if not changed:
        return "nothing"
    # Listeners are read at the start only.
    return "restart" if "mosquitto.conf" in changed else "reload"


def _listener(listener: Listener) -> list[str]:
    lines = ["", " ".join(["listener", str(listener.port), *([listener.host] if listener.host else [])])]
    if listener.mount_point is not None:
        lines.append(f"mount_point {listener.mount_point}")
    if listener.certificate is not None:
        lines += [f"certfile {listener.certificate}", f"keyfile {listener.key}", "tls_version tlsv1.2"]
    if listener.client_authority is not None:
        lines += [
            f"cafile {listener.client_authority}",
            "require_certificate true",
            "use_identity_as_username true",
        ]
    if listener.revocations is not None:
        lines.append(f"crlfile {listener.revocations}")
    if listener.named:
        lines.append("use_username_as_clientid true")
    if listener.connections is not None:
        lines.append(f"max_connections {listener.connections}")
    return lines
