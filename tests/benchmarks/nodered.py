"""Node-RED as a peer: MQTT in, JSON, batches of 1,000 or 0.1 s, one INSERT a batch.

It confirms each message as it comes, before anything is stored: what is in its memory at a kill is lost.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks.errors import Unavailable

NAME = "Node-RED 4.1.15"
TABLE = "CREATE TABLE peer (device text, seq bigint, at timestamptz, v float8)"
_PACKAGES = ("node-red@4.1.15", "pg@8.16.3")
_INSTALL_WITHIN_S = 600
_BATCH, _WAIT_S = 1000, 0.1
_SETTINGS = """\
module.exports = {
    uiHost: "127.0.0.1", uiPort: 0, httpAdminRoot: false, httpNodeRoot: false, credentialSecret: false,
    functionGlobalContext: { pg: require("pg") },
    logging: { console: { level: "warn", metrics: false, audit: false } },
};
"""
_PARSE = 'const p = msg.payload; return { payload: [msg.topic.split("/")[2], p.seq, p.at, p.readings[0].v] };'
_OPEN = """\
context.set("pool", new (global.get("pg").Pool)({ connectionString: env.get("DSN"), max: 4 }));
"""
_STORE = """\
const rows = msg.payload;
const column = (n) => rows.map((row) => row[n]);
await context.get("pool").query(
    "INSERT INTO peer SELECT * FROM unnest($1::text[], $2::bigint[], $3::timestamptz[], $4::float8[])",
    [column(0), column(1), column(2), column(3)]);
return null;
"""


def prepare(folder: Path) -> None:
    """Install it into a folder.

    Raises
    ------
    Unavailable
        No node, or no registry.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise Unavailable("node and npm are not installed")
    folder.mkdir()
    (folder / "package.json").write_text('{"private": true}', encoding="utf-8")
    try:
        subprocess.run(
            [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock", *_PACKAGES],
            cwd=folder,
            check=True,
            capture_output=True,
            text=True,
            timeout=_INSTALL_WITHIN_S,
        )
    except subprocess.CalledProcessError as error:
        raise Unavailable(f"npm cannot install it: {error.stderr.strip().splitlines()[-1:]}") from error
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"npm did not install it within {_INSTALL_WITHIN_S} s") from error
    (folder / "settings.js").write_text(_SETTINGS, encoding="utf-8")


@contextmanager
def running(
    folder: Path, *, dsn: str, port: int, client_id: str, log: Path
) -> Iterator["subprocess.Popen[bytes]"]:
    """The process; whether it is subscribed must be asked with a message."""
    (folder / "flows.json").write_text(json.dumps(_flow(port, client_id)), encoding="utf-8")
    command = [
        *("node", folder / "node_modules" / "node-red" / "red.js"),
        *("--settings", folder / "settings.js", "--userDir", folder, folder / "flows.json"),
    ]
    with log.open("wb") as said:
        process = subprocess.Popen(
            command, cwd=folder, env=os.environ | {"DSN": dsn}, stdout=said, stderr=said
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def _flow(port: int, client_id: str) -> list[dict[str, object]]:
    # A property whose text is the id of a node counts as a reference to it.
    def node(name: str, kind: str, to: str | None = None, **more: object) -> dict[str, object]:
        return {
            "id": f"node-{name}",
            "type": kind,
            "z": "tab-1",
            "wires": [[f"node-{to}"]] if to else [],
        } | more

    return [
        {"id": "tab-1", "type": "tab", "label": "ingest"},
        {
            "id": "broker-1",
            "type": "mqtt-broker",
            "broker": "127.0.0.1",
            "port": str(port),
            "clientid": client_id,
            "autoConnect": True,
            "usetls": False,
            "protocolVersion": "5",
            "keepalive": "60",
            "cleansession": False,
            "sessionExpiry": "3600",
        },
        node("in", "mqtt in", "parse", topic="hm/#", qos="1", datatype="json", broker="broker-1", rh=0),
        node("parse", "function", "join", func=_PARSE, outputs=1, initialize="", finalize="", libs=[]),
        node(
            "join",
            "join",
            "store",
            mode="custom",
            build="array",
            property="payload",
            propertyType="msg",
            joiner="\\n",
            joinerType="str",
            accumulate=False,
            timeout=str(_WAIT_S),
            count=str(_BATCH),
        ),
        node("store", "function", func=_STORE, outputs=0, initialize=_OPEN, finalize="", libs=[]),
    ]
