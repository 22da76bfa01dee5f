"""The accounts that come with the demo, and their password."""

import os
import secrets
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from anju.demo.estate import ESTATE
from anju.settings import Settings
from api import accounts
from api.passwords import Passwords
from api.rules import load_login_rules
from storage.pool import Connection

#: user name → (role, name shown, sees all estates)
ACCOUNTS = {
    "supervisor": ("supervisor", "物业监管（演示）", False),
    "enforcement": ("enforcement", "执法人员（演示）", False),
    "operator": ("operator", "系统运维（演示）", True),
    "installer": ("installer", "安装人员（演示）", False),
}
_BY = "system:demo"


def ensure(connection: Connection, settings: Settings, *, now: datetime) -> str:
    """Make the accounts, or give them the password that counts now; answers the password.

    It is ANJU_DEMO_PASSWORD, else a random one, kept in the data directory for its owner alone.
    """
    file = settings.data_dir / "secrets" / "demo-password"
    known = file.read_text(encoding="utf-8").strip() if file.exists() else None
    given = settings.demo_password
    password = given.get_secret_value() if given is not None else known or secrets.token_urlsafe(9)
    # whoever chose a short password for a demo on loopback shall have it
    rules = replace(load_login_rules(), password_min=1)
    there = {account.username for account in accounts.list_accounts(connection)}
    passwords = Passwords(rules)
    for username, (role, shown, everything) in ACCOUNTS.items():
        if username not in there:
            accounts.add(
                connection,
                username=username,
                password=password,
                role=role,
                estates=() if everything else (ESTATE,),
                all_estates=everything,
                display_name=shown,
                passwords=passwords,
                rules=rules,
                by=_BY,
                now=now,
            )
        elif password != known:
            accounts.set_password(
                connection,
                username=username,
                password=password,
                passwords=passwords,
                rules=rules,
                by=_BY,
                now=now,
            )
    if password != known:
        _keep(file, password)
    return password


def _keep(file: Path, password: str) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    half = file.with_suffix(".new")
    half.unlink(missing_ok=True)
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        out.write(password + "\n")
    half.replace(file)
