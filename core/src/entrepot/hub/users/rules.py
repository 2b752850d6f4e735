"""Roles, scopes and passwords: decisions without a database."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets

from entrepot.store.actor import ALL_PERMISSIONS, RESOURCES

OPERATOR_ONLY = frozenset({"tenants:read", "tenants:write", "tenants:approve"})
_READ = frozenset(f"{noun}:read" for noun in RESOURCES) - OPERATOR_ONLY
_ADMIN_NOUNS = ("users", "credentials", "tenants")
_WORK = frozenset(
    f"{noun}:write" for noun in RESOURCES if noun not in (*_ADMIN_NOUNS, "audit")
)
_EVERYTHING = ALL_PERMISSIONS - OPERATOR_ONLY
_PRIVATE = frozenset({"users:read", "credentials:read", "audit:read"})
_SALES = ("customers", "offers", "subscriptions", "jobs")
_BILLING = ("customers", "mappings", "psa", "reconciliations", "sync", "jobs")

ROLES: dict[str, frozenset[str]] = {
    "owner": _EVERYTHING,
    "manager": (_READ | _WORK | frozenset({"reconciliations:approve"}))
    - frozenset({"credentials:read"}),
    "sales": (_READ - _PRIVATE) | {f"{noun}:write" for noun in _SALES},
    "billing": (_READ - _PRIVATE)
    | {f"{noun}:write" for noun in _BILLING}
    | {"audit:read", "reconciliations:approve"},
    "support": (_READ | _WORK) - _PRIVATE - frozenset({"connections:write"}),
    "viewer": _READ - _PRIVATE,
}
ROLE_TITLES = {
    "owner": "Owner",
    "manager": "Manager",
    "sales": "Sales",
    "billing": "Billing",
    "support": "Support",
    "viewer": "Read-only",
}
ROLE_TEXTS = {
    "owner": "Everything, including people and API credentials.",
    "manager": "Works with connections and mapping, approves corrections.",
    "sales": "Works with customers and subscriptions.",
    "billing": "Maps, compares and approves corrections; sees the audit log.",
    "support": "Starts reads, maps, compares and plans; can't approve.",
    "viewer": "Reads only.",
}
ONLY_THEMSELVES = (
    frozenset(
        {"credentials:read", "credentials:write", "users:write"}
        | {
            permission
            for permission in ALL_PERMISSIONS
            if permission.endswith(":approve")
        }
    )
    | OPERATOR_ONLY
)
"""What nobody does in another person's name."""
SCOPES = tuple(sorted(_EVERYTHING))
SHORTEST_NAME = 4
SHORTEST_PASSWORD = 12
_MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+|[^@\s]+@localhost")


class UserInvalid(ValueError):
    """A field of a person or credential is wrong.

    Args:
        field: Which one.
        problem: What is wrong with it and what to enter instead.
    """

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


def role_named(text: str) -> str:
    """Return the role that somebody calls by its name or title; unknown text stays.

    ``read-only`` and ``Read-only`` are both the role that people see by that title.
    """
    wanted = text.strip().casefold()
    titles = {title.casefold(): role for role, title in ROLE_TITLES.items()}
    return titles.get(wanted, wanted)


def permissions_of(role: str, *, operator: bool = False) -> frozenset[str]:
    """Return what a role permits; nothing for an unknown role.

    Args:
        role: Name of the role within the reseller.
        operator: Whether the person also stands above the resellers.
    """
    granted = ROLES.get(role, frozenset())
    return granted | OPERATOR_ONLY if operator else granted


def clean_email(text: str) -> str:
    """Return an address in the form in which it is stored and compared.

    Raises:
        UserInvalid: It isn't an e-mail address.
    """
    email = text.strip().lower()
    if len(email) > 254 or not _MAIL.fullmatch(email):
        raise UserInvalid("email", "Enter an e-mail address such as ana@example.com.")
    return email


def check_password(password: str, email: str) -> None:
    """Return if the password may be used.

    Raises:
        UserInvalid: It is too short, too long or contains the address.
    """
    if len(password) < SHORTEST_PASSWORD:
        raise UserInvalid(
            "password", f"Use at least {SHORTEST_PASSWORD} characters; a phrase works."
        )
    if len(password) > 256:
        raise UserInvalid("password", "Use at most 256 characters.")
    name = email.partition("@")[0].lower()
    if len(name) >= SHORTEST_NAME and name in password.lower():
        raise UserInvalid("password", "Leave your e-mail name out of it.")


def check_role(role: str) -> str:
    """Return the role's name if it exists.

    Raises:
        UserInvalid: There is no such role.
    """
    if role not in ROLES:
        raise UserInvalid("role", f"Choose one of {', '.join(ROLE_TITLES.values())}.")
    return role


def check_granted(role: str, holder: frozenset[str]) -> None:
    """Return if the holder has everything that a role permits.

    Raises:
        UserInvalid: It permits more; nobody hands out more than they hold.
    """
    missing = sorted(ROLES[role] - holder)
    if missing:
        raise UserInvalid(
            "role",
            f"{ROLE_TITLES[role]} permits {missing[0]}, which you don't hold yourself.",
        )


def check_scopes(scopes: tuple[str, ...], holder: frozenset[str]) -> tuple[str, ...]:
    """Return the scopes in order if all exist and the holder has them.

    Args:
        scopes: What a credential shall be allowed.
        holder: Permissions of who creates it; nobody hands out more.

    Raises:
        UserInvalid: One is unknown or not held, or there is none.
    """
    if not scopes:
        raise UserInvalid("scopes", "Name at least one, such as customers:read.")
    unknown = sorted(set(scopes) - ALL_PERMISSIONS)
    if unknown:
        raise UserInvalid("scopes", f"{unknown[0]} doesn't exist.")
    missing = sorted(set(scopes) - holder)
    if missing:
        raise UserInvalid("scopes", f"You don't hold {missing[0]} yourself.")
    return tuple(sorted(set(scopes)))


def new_secret() -> str:
    """Return a fresh client secret: 256 bits with a recognisable prefix."""
    return f"ens_{secrets.token_urlsafe(32)}"


def hash_secret(secret: str) -> str:
    """Return the digest to store; the secret's own entropy is the salt."""
    return hashlib.sha256(secret.encode()).hexdigest()


def secret_matches(secret: str, digest: str | None) -> bool:
    """Return whether a secret belongs to a digest; takes the same time always."""
    return hmac.compare_digest(hash_secret(secret), digest or "0" * 64)
