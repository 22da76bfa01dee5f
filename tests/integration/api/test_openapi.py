"""The document and the application agree, whatever is sent (schemathesis)."""

from collections.abc import Callable
from typing import Any, get_args

import pytest
import schemathesis
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.readings import ChannelName
from api.usages import MeteredName
from housing.leads import raise_leads
from ingest.receivers import RECEIVERS
from policy import load
from storage.pool import Connection
from tests.estates import NOW, add_signal, build_estates
from wire.channels import BY_NAME

Bearer = Callable[..., dict[str, str]]

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture
def api_schema(app: FastAPI, connection: Connection) -> Any:
    for unit_id in build_estates(connection, "HA", units=3)["HA"]:
        add_signal(connection, unit_id)
    raise_leads(connection, books={"anhe": load("anhe")}, now=NOW)
    connection.commit()
    return schemathesis.openapi.from_asgi("/api/v1/openapi.json", app)


@pytest.fixture
def header(bearer: Bearer) -> dict[str, str]:
    return bearer("qian", "enforcement", all_estates=True)


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_whatever_is_sent_the_reply_is_as_documented(
    api_schema: Any, header: dict[str, str], mode: GenerationMode
) -> None:
    tried = 0
    for found in api_schema.get_all_operations():
        operation = found.ok()
        if operation.method == "delete":
            continue  # would end the session that the rest is tried with

        @settings(
            max_examples=6,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
            derandomize=True,
            database=None,
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def conforms(case: Any) -> None:
            case.call_and_validate(headers=header, checks=CHECKS)

        try:
            conforms()
        except Unsatisfiable:
            continue  # nothing about it can be wrong
        tried += 1
    assert tried >= 10


#: What a request is about stands in its body, and may not exist.
NAMED_IN_BODY = {("post", "/api/v1/commands"), ("post", "/api/v1/devices")}


def test_every_operation_is_documented_with_its_errors(client: TestClient) -> None:
    document = client.get("/api/v1/openapi.json").json()
    operations = {
        (method, path): operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    assert len(operations) >= 16
    receivers = {path for _, path in operations if path.startswith("/in/")}
    assert receivers == {f"/in/{receiver.name}/{{sender}}" for receiver in RECEIVERS}
    for (method, path), operation in operations.items():
        assert operation["summary"], path
        for status, response in operation["responses"].items():
            if status >= "400" and not (path == "/api/v1/health" and status == "503"):
                assert list(response["content"]) == ["application/problem+json"], (path, status)
            elif status != "204" and path not in receivers:
                assert response["content"]["application/json"]["schema"], (path, status)
        public = path == "/api/v1/health" or (method, path) == ("post", "/api/v1/token")
        assert ("security" in operation) != public, path
        # Who posts without proof does not learn whether the sender exists.
        named = "{" in path or (method, path) in NAMED_IN_BODY
        assert ("404" in operation["responses"]) == (named and path not in receivers), path
    # Pages are not part of the interface.
    assert all(path.startswith("/api/v1/") for _, path in operations if path not in receivers)


def test_channel_names_of_the_interface_are_the_closed_list() -> None:
    assert get_args(ChannelName) == tuple(BY_NAME)
    assert set(get_args(MeteredName)) == {name for name, channel in BY_NAME.items() if channel.metered}
