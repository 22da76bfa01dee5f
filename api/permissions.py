"""(role, action): what is not in `role_permission` is not permitted. Every route names its action."""

from typing import Annotated

from fastapi import Depends

from api.auth import Account, account_of
from api.problems import Problem
from ingest.receivers import RECEIVERS


class Needs:
    """A route's action, as its dependency: the account that may, or a problem."""

    def __init__(self, action: str) -> None:
        self.action = action

    def __call__(self, account: Annotated[Account, Depends(account_of)]) -> Account:
        """Let the account through.

        Raises
        ------
        Problem
            ``not_permitted``
        """
        if not account.may(self.action):
            raise Problem("not_permitted", action=self.action)
        return account


#: (method, path) that need no login. Everything else carries a `Needs`, or is in `OWN`; a test walks them.
PUBLIC = frozenset(
    {
        ("GET", "/api/v1/health"),
        ("POST", "/api/v1/token"),
        ("GET", "/api/v1/openapi.json"),
        ("GET", "/login"),
        ("POST", "/login"),
        ("GET", "/static/{name}"),
    }
)
#: Where devices and clouds post: each proves itself by a secret of its own (`api.receivers`).
RECEIVING = frozenset(("POST", f"/in/{receiver.name}/{{sender}}") for receiver in RECEIVERS)
#: What everybody who is logged in may do with their own session, or where the action depends on the path
#: and is checked inside.
OWN = frozenset(
    {
        ("GET", "/api/v1/me"),
        ("DELETE", "/api/v1/token"),
        ("POST", "/logout"),
        ("GET", "/leads/{lead_id}/{action}"),
        ("POST", "/leads/{lead_id}/{action}"),
        ("POST", "/leads/{lead_id}/reopen"),
    }
)

UnitReader = Annotated[Account, Depends(Needs("unit.read"))]
UsageReader = Annotated[Account, Depends(Needs("usage.read"))]
ReadingReader = Annotated[Account, Depends(Needs("reading.read"))]
SignalReader = Annotated[Account, Depends(Needs("signal.read"))]
AlertReader = Annotated[Account, Depends(Needs("alert.read"))]
LeadReader = Annotated[Account, Depends(Needs("lead.read"))]
ResidentReader = Annotated[Account, Depends(Needs("resident.read"))]
CommandAsker = Annotated[Account, Depends(Needs("command.ask"))]
CommandApprover = Annotated[Account, Depends(Needs("command.approve"))]
#: Who may approve may see, and say no.
CommandReader = CommandApprover
