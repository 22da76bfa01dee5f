"""Where the broker is, and how to log in: one URL."""

from dataclasses import dataclass
from typing import Self
from urllib.parse import parse_qs, unquote, urlsplit

from ingest.errors import BrokerAddressInvalid

_PORTS = {"mqtt": 1883, "mqtts": 8883}
_FILES = {"ca", "cert", "key"}


@dataclass(frozen=True, kw_only=True)
class BrokerAddress:
    """A broker as ANJU_MQTT_URL names it."""

    host: str
    port: int
    tls: bool
    username: str | None = None
    #: Never shown.
    password: str | None = None
    #: PEM files: the authority that signed the broker's certificate (None: the system's), our own
    #: certificate and its key.
    ca: str | None = None
    cert: str | None = None
    key: str | None = None

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read ``mqtt://user:password@host:port`` or ``mqtts://…?ca=FILE&cert=FILE&key=FILE``.

        Raises
        ------
        BrokerAddressInvalid
            Says what is wrong, without the password.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise BrokerAddressInvalid(f"the broker's address is not a URL: {error}") from error
        if parts.scheme not in _PORTS:
            raise BrokerAddressInvalid(
                f"the broker's address begins mqtt:// or mqtts://, not {parts.scheme!r}"
            )
        if not parts.hostname or parts.path not in ("", "/") or parts.fragment:
            raise BrokerAddressInvalid
        files = parse_qs(parts.query, keep_blank_values=True)
        unknown = files.keys() - _FILES
        if unknown or (files and parts.scheme != "mqtts"):
            raise BrokerAddressInvalid("after ? mqtts:// takes ca, cert and key; mqtt:// takes nothing")
        return cls(
            host=parts.hostname,
            port=port or _PORTS[parts.scheme],
            tls=parts.scheme == "mqtts",
            username=None if parts.username is None else unquote(parts.username),
            password=None if parts.password is None else unquote(parts.password),
            **{name: values[-1] for name, values in files.items()},
        )

    def __str__(self) -> str:
        """For logs: without user and password."""
        return f"{'mqtts' if self.tls else 'mqtt'}://{self.host}:{self.port}"
