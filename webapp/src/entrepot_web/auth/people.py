"""The sign-in library's view of our people.

Flask-Security checks passwords, keeps sessions and renews hashes; the people
themselves are the hub's (`entrepot.hub.users`). So it gets plain objects and a
datastore that asks our service.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from entrepot.hub.users.arriving import Workplace
from entrepot.hub.users.service import SignIn, User, UsersService
from entrepot.hub.users.sessions import SessionView
from flask_security import RoleMixin, UserDatastore, UserMixin


class Role(RoleMixin):
    """Never used: rights come from the hub's roles per reseller."""

    name = ""


class Person(UserMixin):
    """A person as the sign-in library needs one.

    Args:
        found: What the hub knows of them.
    """

    fs_uniquifier = ""
    email = ""
    active = False
    password: str | None = None
    roles: list[RoleMixin] = []  # noqa: RUF012 - the library's class attribute

    def __init__(self, found: SignIn) -> None:
        self.user: User = found.user
        self.session: SessionView | None = None
        self.places: Mapping[str, Workplace] = {}
        self.user_id = found.user.id
        self.email = found.user.email
        self.active = found.user.active
        self.password = found.password_hash
        self.fs_uniquifier = found.session_id
        self.roles = []


class People(UserDatastore):
    """Finds people for the sign-in library and stores what it changes.

    Args:
        users: The hub's people.
    """

    def __init__(self, users: UsersService) -> None:
        super().__init__(Person, Role)
        self._users = users

    def find_user(
        self,
        case_insensitive: bool = False,
        **wanted: Any,  # noqa: ANN401 - the library's
    ) -> Person | None:
        """Return the person with that address, session or id, or None."""
        found: SignIn | None = None
        if "email" in wanted:
            found = self._users.find_sign_in(email=str(wanted["email"]))
        elif "fs_uniquifier" in wanted:
            found = self._users.find_sign_in(session_id=str(wanted["fs_uniquifier"]))
        return None if found is None else Person(found)

    def find_role(self, role: str) -> Role | None:
        """Return None: the library's roles are not used."""
        return None

    def put(self, model: Person) -> Person:
        """Store a password that was reset, or a hash that the library renewed."""
        if model.password:
            self._users.replace_hash(
                model.user_id, model.password, session_id=model.fs_uniquifier
            )
        return model

    def commit(self) -> None:
        """Do nothing: every change is committed when it is made."""

    def delete(self, model: Person) -> None:
        """Refuse: people are removed through the hub, which keeps the audit log.

        Raises:
            PermissionError: Always.
        """
        raise PermissionError("People are removed through the hub.")
