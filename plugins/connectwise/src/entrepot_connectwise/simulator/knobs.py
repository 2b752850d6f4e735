"""Switches of one emulated tenant (connectwise.md §15, behaviour knobs)."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from .schema import Json


@dataclass(frozen=True, slots=True)
class Knobs:
    """How this tenant's PSA behaves where releases and set-ups differ.

    Attributes:
        company: Login company id; also the user half of every API key.
        cloud: Whether `companyinfo` says so and the codebase carries the release.
        version: Release, `2022.1` to `2026.4`; sets length limits and the codebase.
        require_api_host: Refuse hosts without the `api-` prefix, as the cloud does.
        missing_client_id_status: 401 or 403.
        auth_failure_status: 401, or 404 as the cloud may answer.
        page_size_cap: Larger `pageSize` values are silently cut to this.
        strict_fields: Unknown names in `fields` are refused instead of dropped.
        drop_nulls: Empty properties are left out of answers.
        date_ge_bug: `>= [day]` behaves like `>`.
        credit_on_cancel, nonprorated_rule, cancel_date_semantics: see `billing.py`;
            the last one is `inclusive` or `exclusive`.
        callback_timeout: Seconds a receiver has to answer.
        callback_retry_unit: Length of the vendor's retry second, for impatient tests.
    """

    company: str = "entrepot"
    cloud: bool = True
    version: str = "2026.4"
    require_api_host: bool = False
    missing_client_id_status: int = 401
    auth_failure_status: int = 401
    page_size_cap: int = 1000
    strict_fields: bool = False
    drop_nulls: bool = True
    date_ge_bug: bool = False
    credit_on_cancel: bool = True
    nonprorated_rule: str = "active_on_period_start"
    cancel_date_semantics: str = "inclusive"
    callback_timeout: float = 5.0
    callback_retry_unit: float = 1.0

    @property
    def codebase(self) -> str:
        """Path segment of the current release, with its slash at the end."""
        if not self.cloud:
            return "v4_6_release/"
        return f"v{self.version.replace('.', '_')}/"

    def changed(self, **values: Json) -> Knobs:
        """A copy with some switches set.

        Raises:
            ValueError: A switch does not exist or the value has another type.
        """
        known = {one.name: type(getattr(self, one.name)) for one in fields(self)}
        for name, value in values.items():
            kind = known.get(name)
            if kind is None:
                raise ValueError(f"unknown switch {name!r}; known: {sorted(known)}")
            if not isinstance(value, (float, int) if kind is float else kind):
                raise ValueError(f"{name} must be {kind.__name__}")
        return replace(self, **values)

    def parsed(self, texts: dict[str, str]) -> Knobs:
        """A copy with switches from text, as a command line gives them.

        Names that are no switches are left to others.
        """
        found = {}
        for one in fields(self):
            if one.name in texts:
                found[one.name] = _from_text(texts[one.name], getattr(self, one.name))
        return self.changed(**found)


def _from_text(text: str, like: object) -> object:
    if isinstance(like, bool):
        return text.lower() in {"1", "true", "yes", "on"}
    if isinstance(like, int):
        return int(text)
    return float(text) if isinstance(like, float) else text
