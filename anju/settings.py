"""What the environment says: variables `ANJU_…`, secrets also as files named by `ANJU_…_FILE`."""

import difflib
import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

import policy
from anju import clock
from anju.errors import SettingsRefused
from ingest.address import BrokerAddress
from ingest.bound import Bound
from ingest.errors import IngestError
from policy.errors import PolicyError
from storage.errors import KeyUnreadable
from storage.personal import PersonalKey, ensure_key, read_key

PREFIX = "ANJU_"
#: For the tests alone.
_TEST_PREFIX = "ANJU_TEST_"
#: These may stand in a file of their own instead, out of the process list and of crash reports.
SECRETS = ("database_url", "mqtt_url", "demo_password")


class Settings(BaseSettings):
    """Everything a process of Anju is told from outside."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="ignore", hide_input_in_errors=True
    )

    #: `postgresql://…`; none: the embedded server of `anju up`.
    database_url: str | None = Field(default=None, repr=False)
    #: `mqtt://` or `mqtts://[user:password@]host[:port]`, MQTT 5; none: the embedded broker.
    mqtt_url: str | None = Field(default=None, repr=False)
    #: Topic filters whose prefix the broker binds to a credential. What else arrives proves no device.
    mqtt_bound: Annotated[tuple[str, ...], NoDecode] = ()
    #: Where console and API listen.
    http_host: str = "127.0.0.1"
    http_port: int = 8080
    #: Reached by TLS, through a proxy: cookies are `Secure`, browsers are told to stay there.
    https: bool = False
    #: Embedded servers, keys, logs.
    data_dir: Path = Path(".anju")
    #: Remove what is older than policy keeps. Not by itself: an import of past years would be removed.
    retention: bool = False
    #: The city whose policy counts: the name of a file of `policy/`.
    city: str = "anhe"
    #: The key of the personal columns; none: made in the data directory.
    key_file: Path | None = None
    #: Vendors' own decoders, `<codec>.js`, beside the example that comes with Anju.
    codecs_dir: Path | None = None
    #: Test mode: one line of ISO time in UTC that holds the clock of every process.
    now_file: Path | None = None
    #: Of the demo accounts; none: random, and printed.
    demo_password: SecretStr | None = None
    #: Households of the demo estate instead of the sample that comes with Anju.
    demo_data: Path | None = None

    @field_validator("database_url")
    @classmethod
    def _is_postgresql(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                conninfo_to_dict(value)
                good = urlsplit(value).scheme in {"postgresql", "postgres"} and _port_is_number(value)
            except (psycopg.ProgrammingError, ValueError):
                good = False
            if not good:
                raise ValueError("is not an address like postgresql://user@host:5432/name")
        return value

    @field_validator("mqtt_url")
    @classmethod
    def _is_mqtt(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                BrokerAddress.parse(value)
            except IngestError as error:
                raise ValueError(f"cannot be used: {error}") from error
        return value

    @field_validator("mqtt_bound", mode="before")
    @classmethod
    def _is_filters(cls, value: Any) -> Any:
        if isinstance(value, str):
            filters = tuple(part.strip() for part in value.split(",") if part.strip())
            try:
                Bound(filters)
            except IngestError as error:
                raise ValueError(f"cannot be used: {error}") from error
            return filters
        return value

    @field_validator("http_port")
    @classmethod
    def _is_port(cls, value: int) -> int:
        if not 0 <= value <= 65535:
            raise ValueError("is not a port: 0 to 65535, 0 takes any free one")
        return value

    @field_validator("city")
    @classmethod
    def _has_policy(cls, value: str) -> str:
        try:
            policy.load(value)
        except PolicyError as error:
            raise ValueError(f"cannot be used: {error}") from error
        return value

    @field_validator("key_file")
    @classmethod
    def _is_key(cls, value: Path | None) -> Path | None:
        if value is not None:
            try:
                read_key(value)
            except KeyUnreadable as error:
                raise ValueError(f"cannot be used: {error}") from error
        return value

    @field_validator("codecs_dir")
    @classmethod
    def _is_folder(cls, value: Path | None) -> Path | None:
        if value is not None and not (value.is_dir() and os.access(value, os.R_OK | os.X_OK)):
            raise ValueError("is not a folder that can be read")
        return value

    @field_validator("now_file")
    @classmethod
    def _is_clock(cls, value: Path | None) -> Path | None:
        if value is not None:
            clock.read(value)
        return value

    @cached_property
    def key(self) -> PersonalKey:
        """The key of the personal columns; made in the data directory where none is named."""
        return (
            read_key(self.key_file)
            if self.key_file
            else ensure_key(self.data_dir / "secrets" / "personal.key")
        )


def load(environment: Mapping[str, str] = os.environ, **given: object) -> Settings:
    """Read the settings; what the command line gives stands above the environment.

    Raises
    ------
    SettingsRefused
        One line that names every variable that is wrong and why, without its secret value.
    """
    _refuse_misspelled(environment)
    known = {name: value for name, value in given.items() if value is not None}
    try:
        return Settings(**{**_from_files(environment), **known})
    except ValidationError as error:
        raise SettingsRefused("; ".join(_sentence(one) for one in error.errors())) from error


def _from_files(environment: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in SECRETS:
        variable = PREFIX + name.upper()
        file = environment.get(f"{variable}_FILE")
        if not file:
            continue
        if environment.get(variable):
            raise SettingsRefused(f"{variable} and {variable}_FILE are both set: only one can count")
        try:
            found[name] = Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not text"
            raise SettingsRefused(f"{variable}_FILE: cannot read {file}: {reason}") from error
    return found


def _refuse_misspelled(environment: Mapping[str, str]) -> None:
    names = [PREFIX + name.upper() for name in Settings.model_fields]
    names += [f"{PREFIX}{name.upper()}_FILE" for name in SECRETS]
    for variable in environment:
        if variable.startswith(PREFIX) and not variable.startswith(_TEST_PREFIX) and variable not in names:
            near = difflib.get_close_matches(variable, names, n=1, cutoff=0.8)
            if near:
                raise SettingsRefused(f"{variable} is not a setting: did you mean {near[0]}?")


def _port_is_number(url: str) -> bool:
    """False where the port is out of range; `urlsplit` raises ValueError where it is no number."""
    return urlsplit(url).port != 0


def _sentence(error: Any) -> str:
    variable = PREFIX + "_".join(str(part) for part in error["loc"][:1]).upper()
    message = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "bool_parsing":
        message = "is not true or false"
    if error["type"] == "int_parsing":
        message = "is not a port: 0 to 65535, 0 takes any free one"
    return f"{variable} {message}"
