"""(role, action): what is not in `role_permission` is not permitted. Every route names its action."""

from typing import Annotated

from fastapi import Depends

from api.auth import Account, account_of
from api.problems import Problem


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


#: Routes that need no login, by path: everything else must carry a `Needs` (a test walks them).
PUBLIC = frozenset({"/api/v1/health", "/api/v1/token", "/api/v1/openapi.json"})

UnitReader = Annotated[Account, Depends(Needs("unit.read"))]
UsageReader = Annotated[Account, Depends(Needs("usage.read"))]
ReadingReader = Annotated[Account, Depends(Needs("reading.read"))]
SignalReader = Annotated[Account, Depends(Needs("signal.read"))]
LeadReader = Annotated[Account, Depends(Needs("lead.read"))]
ResidentReader = Annotated[Account, Depends(Needs("resident.read"))]
