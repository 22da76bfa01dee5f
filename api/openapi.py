"""The OpenAPI document: every error is problem+json, every operation says which ones it gives."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel, Field

from api.problems import MEDIA_TYPE, TEXTS


class Fault(BaseModel):
    """What is wrong with one part of a request."""

    where: list[str]
    zh: str
    en: str


class ProblemBody(BaseModel):
    """An error (RFC 9457), its texts in both languages."""

    type: str = Field(description="urn:anju:problem:<code>")
    title: str = Field(description="In the language of Accept-Language; Chinese by default.")
    status: int
    code: str = Field(description="One of a closed list.", json_schema_extra={"enum": [*sorted(TEXTS)]})
    zh: str
    en: str
    errors: list[Fault] | None = Field(default=None, description="With `invalid_request`.")
    current: int | None = Field(default=None, description="With `version_conflict`: the version that stands.")
    retry_after: int | None = Field(default=None, description="With `login_locked`: seconds.")
    device: str | None = Field(default=None, description="With `place_taken`: the device that hangs there.")
    children: int | None = Field(default=None, description="With `has_children`: how many.")
    action: str | None = Field(default=None, description="With `not_permitted`: what the role lacks.")


def install_openapi(app: FastAPI) -> None:
    """Replace the application's document by a complete one."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _complete(app)
        return app.openapi_schema

    app.openapi = document


def _complete(app: FastAPI) -> dict[str, Any]:
    found = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        routes=app.routes,
        separate_input_output_schemas=False,
    )
    schemas = found.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    problem = ProblemBody.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs"))
    schemas["ProblemBody"] = problem
    found["components"]["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer"},
        "session": {"type": "apiKey", "in": "cookie", "name": "anju_session"},
        "sender": {"type": "http", "scheme": "basic"},
        "sender_key": {"type": "apiKey", "in": "query", "name": "key"},
    }
    for methods in found["paths"].values():
        for operation in methods.values():
            _complete_operation(operation)
    return found


def _complete_operation(operation: dict[str, Any]) -> None:
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemBody"}}}
    responses = operation["responses"]
    public = operation.pop("x-public", False)
    receiver = operation.pop("x-receiver", False)
    statuses = {"422", "500", "503"}
    statuses |= set() if public or receiver else {"401", "403"}
    statuses |= {"400", "413"} if "requestBody" in operation else set()
    for status in statuses | {status for status in responses if status >= "400"}:
        kept = responses.get(status, {}).get("description")
        if kept is None or kept == "Validation Error":
            kept = "; ".join(text.en for text in TEXTS.values() if str(text.status) == status) or "Error"
        if "x-own" in responses.get(status, {}):
            responses[status].pop("x-own")
            continue
        responses[status] = {"description": kept, "content": content}
    if receiver:
        operation["security"] = [{"sender": []}, {"sender_key": []}]
    elif not public:
        operation["security"] = [{"bearer": []}, {"session": []}]
