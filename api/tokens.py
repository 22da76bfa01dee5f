"""`/token`: bearer tokens for programs; `/me`: who holds one."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, Response
from pydantic import BaseModel, Field

from api.auth import Account, Hasher, Now, account_of, log_in, log_out
from api.deps import Db, Given

router = APIRouter(tags=["login"])


class TokenBody(BaseModel):
    """A token and how long it lasts."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105
    expires_in: int = Field(description="Seconds.")


class Me(BaseModel):
    """Who is logged in."""

    username: str
    display_name: str
    role: str
    actions: list[str]
    all_estates: bool


@router.post("/token", responses={401: {}, 429: {}}, openapi_extra={"x-public": True})
def make_token(
    deps: Given,
    passwords: Hasher,
    username: Annotated[str, Form(max_length=200)],
    password: Annotated[str, Form(max_length=1000)],
) -> TokenBody:
    """Log a program in."""
    started = log_in(deps, passwords, username=username, password=password, kind="bearer")
    return TokenBody(access_token=started.token, expires_in=int(deps.rules.token.total_seconds()))


@router.delete("/token", status_code=204)
def end_token(connection: Db, who: Annotated[Account, Depends(account_of)], now: Now) -> Response:
    """Log out: the token or session of this request ends."""
    log_out(connection, who, now=now)
    return Response(status_code=204)


@router.get("/me")
def read_me(who: Annotated[Account, Depends(account_of)]) -> Me:
    """Who is logged in, and what the role permits."""
    return Me(
        username=who.username,
        display_name=who.display_name,
        role=who.role,
        actions=sorted(who.actions),
        all_estates=who.scope.everything,
    )
