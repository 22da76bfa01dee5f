"""`anju broker`: the configuration of a mosquitto, a small authority, certificates for devices."""

import json
import os
import re
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple
from urllib.parse import quote

import typer

from anju import clock, mosquitto, settings
from anju.errors import AnjuError, BrokerPlanInvalid, RequestInvalid
from anju.options import DataDir, Json
from devices.credentials import Revoked
from storage.pool import Connection
from wire.envelope import INGEST, MARKER, MONITOR, SERVICES

if TYPE_CHECKING:
    from anju.broker_files import BrokerFiles

app = typer.Typer(
    help="The broker: config, ca, sign.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

#: The audit's actor: whoever may run commands on the server.
_BY = "system:broker"
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_LAST_PORT = 65_535
#: A hundred years.
_MOST_DAYS = 36_525
#: A host name, and a part of it (RFC 1123); devices' networks have names with `_`. A certificate's common
#: name holds no more.
_LONGEST_HOST = 64
_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")


class Gate(NamedTuple):
    """A device that has a listener of its own."""

    code: str
    port: int


@dataclass(frozen=True, kw_only=True)
class _Registered:
    """What the registry says of who may connect."""

    #: Devices with a password: code and hash.
    hashes: list[tuple[str, str]]
    gates: list[Gate]
    #: Codes of those that may not connect any more.
    shut_out: list[str]
    revoked: list[Revoked]


@app.command()
def config(
    *,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the files go.")],
    login: Annotated[
        Literal["password", "certificate"], typer.Option("--login", help="How devices prove themselves.")
    ] = "password",
    host: Annotated[
        str | None, typer.Option("--host", help="Interface for devices; every one when not given.")
    ] = None,
    port: Annotated[int, typer.Option("--port", min=1, max=_LAST_PORT, help="For devices.")] = 8883,
    tls_cert: Annotated[
        str | None, typer.Option("--tls-cert", metavar="FILE", help="The broker's, as the broker sees it.")
    ] = None,
    tls_key: Annotated[str | None, typer.Option("--tls-key", metavar="FILE")] = None,
    client_ca: Annotated[
        str | None,
        typer.Option("--client-ca", metavar="FILE", help="Signs the devices' certificates."),
    ] = None,
    authority: Annotated[
        Path | None,
        typer.Option("--authority", metavar="DIR", help="Of `anju broker ca`: writes the revoked ones too."),
    ] = None,
    plain: Annotated[bool, typer.Option("--plain", help="Without TLS; on a loopback --host only.")] = False,
    inner_host: Annotated[
        str, typer.Option("--inner-host", help="Interface for Anju itself, in plain text.")
    ] = "127.0.0.1",
    inner_port: Annotated[int, typer.Option("--inner-port", min=1, max=_LAST_PORT)] = 1883,
    inner_name: Annotated[
        str | None, typer.Option("--inner-name", help="Host that Anju finds it by (--inner-host).")
    ] = None,
    mount: Annotated[
        list[str] | None,
        typer.Option(
            "--mount",
            metavar="CODE",
            help="A further device whose topics cannot have its prefix; repeatable.",
        ),
    ] = None,
    mounts_from: Annotated[
        int, typer.Option("--mounts-from", min=1, help="Its port is this and its number in the registry.")
    ] = 20_000,
    mounts_host: Annotated[
        str | None, typer.Option("--mounts-host", help="Interface for them (--host).")
    ] = None,
    mounts_plain: Annotated[
        bool, typer.Option("--mounts-plain", help="They cannot do TLS: an inner network, and --mounts-host.")
    ] = False,
    largest_packet: Annotated[
        int, typer.Option("--largest-packet", min=1024, help="Bytes; on all listeners.")
    ] = 1024 * 1024,
    queued_messages: Annotated[
        int, typer.Option("--queued-messages", min=1000, help="What waits for ingest at most.")
    ] = 2_000_000,
    queued_bytes: Annotated[int, typer.Option("--queued-bytes", min=1_000_000)] = 1_000_000_000,
    inside: Annotated[
        str | None, typer.Option("--inside", metavar="PATH", help="Where the broker sees DIR; DIR itself.")
    ] = None,
    data: Annotated[
        str, typer.Option("--data", metavar="PATH", help="Where the broker keeps messages.")
    ] = "/var/lib/mosquitto",
    log: Annotated[str, typer.Option("--log", help="stdout, syslog, or 'file PATH'.")] = "stdout",
    account: Annotated[
        str | None, typer.Option("--account", help="That the broker runs under, if not mosquitto.")
    ] = None,
    owner: Annotated[
        str | None, typer.Option("--owner", help="Account that must be able to read the files.")
    ] = None,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Write mosquitto's files from the registry; run it again after every change there.

    The same registry and options give the same files. What changed is said, and whether a reload (SIGHUP)
    is enough.
    """
    from anju import broker_files, database  # noqa: PLC0415 - a command loads what it needs
    from anju.authority import Authority  # noqa: PLC0415

    if port == inner_port:
        raise BrokerPlanInvalid(f"--port and --inner-port are both {port}: devices and Anju need one each")
    _check(login=login, host=host, plain=plain, tls=(tls_cert, tls_key), client_ca=client_ca)
    if owner is None and account != "root" and os.geteuid() == 0:
        typer.echo(
            "warning: run as root without --owner: passwd, acl and crl.pem will be root's alone, and the"
            " broker cannot read them again when it is told to reload; give"
            f" --owner {account or 'mosquitto'}",
            err=True,
        )
    if mounts_plain and mounts_host is None:
        raise BrokerPlanInvalid("--mounts-plain needs --mounts-host: the interface of an inner network")
    seen_at = inside or str(out.absolute())
    signer = None if authority is None else Authority.read(authority / "ca.pem", authority / "ca.key")
    _make_folder(out)
    services = {name: broker_files.secret(out / "secrets" / f"{name}.password") for name in SERVICES}
    with database.connected(settings.load(data_dir=data_dir), name="broker") as connection:
        found = _registered(connection, mounts=mount or [], first=mounts_from)
    files = broker_files.BrokerFiles(out, owner)
    tls = (None, None) if plain else (tls_cert, tls_key)
    certified = login == "certificate"
    listeners = [
        mosquitto.Listener(port=inner_port, host=inner_host, named=False),
        mosquitto.Listener(
            port=port,
            host=host,
            certificate=tls[0],
            key=tls[1],
            client_authority=client_ca if certified else None,
            revocations=f"{seen_at}/crl.pem" if certified and signer is not None else None,
            connections=10_000,
        ),
        *(
            mosquitto.Listener(
                port=gate.port,
                host=mounts_host or host,
                certificate=None if mounts_plain else tls[0],
                key=None if mounts_plain else tls[1],
                mount_point=f"gw/{gate.code}/",
                connections=2,
            )
            for gate in found.gates
        ),
    ]
    plan = mosquitto.Plan(
        listeners=listeners,
        limits=mosquitto.Limits(
            packet_bytes=largest_packet, queued_messages=queued_messages, queued_bytes=queued_bytes
        ),
        folder=seen_at,
        data=data,
        log=log,
        account=account,
    )
    files.put("mosquitto.conf", mosquitto.config(plan).encode(), mode=0o644)
    files.put("acl", mosquitto.access(found.shut_out).encode())
    files.put("passwd", mosquitto.passwords([*found.hashes, *broker_files.hashed(services)]).encode())
    if signer is not None:
        files.put_revocations("crl.pem", signer.revocations(found.revoked))
    at = f"{inner_name or inner_host}:{inner_port}"
    for name in (INGEST, MARKER):
        url = f"mqtt://{name}:{quote(services[name], safe='')}@{at}\n"
        files.put(f"secrets/{name}.url", url.encode(), owned=False, told=False)
    # What mosquitto_sub reads where XDG_CONFIG_HOME is this folder.
    name, secret = MONITOR, services[MONITOR]
    asked = f"-h 127.0.0.1\n-p {inner_port}\n-i {name}\n-u {name}\n-P {secret}\n"
    files.put("monitor/mosquitto_sub", asked.encode(), told=False)
    _tell(files, plan, found.gates, out=out, as_json=as_json)


@app.command()
def ca(
    *,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where ca.pem and ca.key go.")],
    server: Annotated[
        list[str],
        typer.Option("--server", metavar="NAME", help="Host or address that devices know; repeatable."),
    ],
    days: Annotated[
        int, typer.Option("--days", min=1, max=_MOST_DAYS, help="The authority holds for so long.")
    ] = 7300,
    server_days: Annotated[
        int, typer.Option("--server-days", min=1, max=_MOST_DAYS, help="The broker's.")
    ] = 825,
) -> None:
    """Make an authority, if DIR has none, and a certificate for the broker: server.pem, server.key."""
    from anju.authority import Authority, write_key  # noqa: PLC0415

    for name in server:
        if not _is_host(name):
            raise BrokerPlanInvalid(f"--server {name!r}: neither a host name nor an address")
    now = clock.now()
    _make_folder(out)
    certificate, key = out / "ca.pem", out / "ca.key"
    if certificate.exists() or key.exists():
        signer = Authority.read(certificate, key)
    else:
        signer = Authority.make("Anju broker", now=now, holds=timedelta(days=days))
        signer.write(certificate, key)
    made, private = signer.server(server, now=now, holds=timedelta(days=server_days))
    (out / "server.pem").write_bytes(made)
    write_key(out / "server.key", private)
    typer.echo(f"{out / 'server.pem'} is for {', '.join(server)}; keep {key} away from the broker")


@app.command()
def sign(
    *,
    request: Annotated[Path, typer.Argument(metavar="CSR", help="The device's request, PEM.")],
    code: Annotated[str, typer.Option("--code", help="The device; the request's common name.")],
    authority: Annotated[Path, typer.Option("--authority", metavar="DIR", help="Of `anju broker ca`.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where the certificate goes.")],
    days: Annotated[int, typer.Option("--days", min=1, max=_MOST_DAYS, help="It holds for so long.")] = 730,
    data_dir: DataDir = None,
) -> None:
    """Sign a device's certificate and enter it; the one it had is revoked."""
    from anju import authority as authorities  # noqa: PLC0415
    from anju import database  # noqa: PLC0415
    from devices import credentials  # noqa: PLC0415
    from devices.errors import DevicesError  # noqa: PLC0415

    now = clock.now()
    signer = authorities.Authority.read(authority / "ca.pem", authority / "ca.key")
    try:
        asked = request.read_bytes()
    except OSError as error:
        raise AnjuError(f"cannot read {request}: {error.strerror}") from error
    try:
        certificate = signer.sign(asked, code=code, now=now, holds=timedelta(days=days))
    except RequestInvalid as error:
        raise RequestInvalid(f"{request}: {error}") from error
    with database.connected(settings.load(data_dir=data_dir), name="broker") as connection:
        try:
            credentials.certify(
                connection,
                code=code,
                fingerprint=authorities.fingerprint(certificate),
                serial=certificate.serial_number,
                by=_BY,
                now=now,
            )
            out.write_bytes(authorities.pem(certificate))
        except DevicesError as error:
            raise AnjuError(str(error)) from error
        except OSError as error:  # before the commit: the one it had stays good
            raise AnjuError(f"cannot write {out}: {error.strerror}") from error
    typer.echo(f"{out} is {code}'s until {certificate.not_valid_after_utc:%Y-%m-%d}")


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AnjuError(f"--out {out}: not a folder that can be made or used: {error.strerror}") from error


def _is_host(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        labels = name.removeprefix("*.").split(".")
        return len(name) <= _LONGEST_HOST and all(map(_LABEL.fullmatch, labels))
    return True


def _check(
    *,
    login: str,
    host: str | None,
    plain: bool,
    tls: tuple[str | None, str | None],
    client_ca: str | None,
) -> None:
    if plain and host not in _LOOPBACK:
        raise BrokerPlanInvalid("--plain is for a loopback --host only: passwords would be read on the way")
    if plain and (any(tls) or login == "certificate"):
        raise BrokerPlanInvalid("--plain goes with neither --tls-cert nor certificates")
    if not plain and not all(tls):
        raise BrokerPlanInvalid("devices need TLS: --tls-cert and --tls-key (`anju broker ca` makes them)")
    if login == "certificate" and client_ca is None:
        raise BrokerPlanInvalid(
            "--login certificate needs --client-ca, which signs the devices' certificates"
        )


def _registered(connection: Connection, *, mounts: list[str], first: int) -> _Registered:
    from devices import credentials, registry  # noqa: PLC0415

    found = registry.load(connection)
    for code in SERVICES:
        device = found.device(code)
        if code in found.without_profile or (device is not None and device.active):
            typer.echo(
                f"warning: a device is called {code}, as a service of ours is: it is left out and cannot"
                " connect; register it under another code, then `anju devices retire` this one",
                err=True,
            )
    hashes = credentials.password_hashes(connection)
    gates: list[Gate] = []
    for code, _ in hashes:
        device = found.device(code)
        if device is not None and (device.profile.mount_point or code in mounts):
            gates.append(Gate(code, first + device.id))
    missing = set(mounts) - {gate.code for gate in gates}
    if missing:
        raise BrokerPlanInvalid(f"no password was issued to {', '.join(sorted(missing))}")
    beyond = [gate.code for gate in gates if gate.port > _LAST_PORT]
    if beyond:
        raise BrokerPlanInvalid(f"no port is left for {', '.join(beyond)}: lower --mounts-from")
    return _Registered(
        hashes=hashes,
        gates=gates,
        shut_out=credentials.shut_out(connection),
        revoked=credentials.revoked_certificates(connection),
    )


def _tell(files: "BrokerFiles", plan: mosquitto.Plan, gates: list[Gate], *, out: Path, as_json: bool) -> None:
    need = mosquitto.what_takes_effect(changed=files.changed)
    environment = {
        "ANJU_MQTT_URL_FILE": str(out.absolute() / "secrets" / f"{INGEST}.url"),
        "ANJU_MQTT_BOUND": ",".join(mosquitto.BOUND),
    }
    ports = {
        "inner": plan.listeners[0].port,
        "devices": plan.listeners[1].port,
        "mounts": {gate.code: gate.port for gate in gates},
    }
    if as_json:
        said = {"changed": sorted(files.changed), "needs": need, "ports": ports, "environment": environment}
        typer.echo(json.dumps(said))
        return
    typer.echo(f"changed: {', '.join(sorted(files.changed)) or 'nothing'}")
    what = {
        "nothing": "the broker need not be told",
        "reload": "tell the broker: SIGHUP (systemctl reload mosquitto)",
        "restart": "start the broker again: listeners are read at the start only",
    }
    typer.echo(what[need])
    typer.echo(f"devices connect to port {ports['devices']}, Anju to {ports['inner']}")
    for gate in gates:
        typer.echo(f"{gate.code} connects to port {gate.port}")
    for name, value in environment.items():
        typer.echo(f"{name}={value}")
