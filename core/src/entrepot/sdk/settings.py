"""How a plugin declares the settings of one connection.

A plugin's settings are a frozen dataclass whose fields are made with `setting`.
Core derives forms, validation, the command line's questions and the place where a
value is kept (plain, or encrypted for secrets) from it::

    @dataclass(frozen=True, slots=True, kw_only=True)
    class ExampleSettings:
        site: str = setting("Site", help="Host name you sign in to", adds_host=True)
        api_key: str = setting("API key", secret=True, default="")

A secret's value never reaches the settings object: the field stays empty there, the
plugin asks ``ctx.secrets.get("api_key")`` at the moment of use.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingInfo:
    """What core knows of one setting beside its type.

    Attributes:
        label: Name for people.
        help: One sentence: what it is and where to find it.
        secret: Stored encrypted, never shown, left out of the settings object.
        rotates: A secret that the vendor replaces by itself.
        adds_host: The value is a host or URL that the egress guard must allow.
        choices: Allowed values; empty = free.
        choice_titles: What people read for each of them, in the same order; empty =
            the values themselves.
        pattern: Regular expression the whole value must match; empty = free.
        advanced: Shown only on request.
    """

    label: str
    help: str = ""
    secret: bool = False
    rotates: bool = False
    adds_host: bool = False
    choices: tuple[str, ...] = ()
    choice_titles: tuple[str, ...] = ()
    pattern: str = ""
    advanced: bool = False

    def __post_init__(self) -> None:
        """Refuse titles that don't go with the choices.

        Raises:
            ValueError: There are more or fewer of them.
        """
        if self.choice_titles and len(self.choice_titles) != len(self.choices):
            msg = f"{self.label}: every choice needs one title, none or all of them"
            raise ValueError(msg)

    def title_of(self, value: object) -> str:
        """What people read for a value; the value itself where nothing else is said."""
        titles = dict(zip(self.choices, self.choice_titles, strict=False))
        return titles.get(str(value), str(value))


def setting(label: str, *, default: Any = MISSING, **info: Any) -> Any:  # noqa: ANN401 - a dataclass field takes any default
    """Declare one setting; keywords are those of `SettingInfo`."""
    metadata: Mapping[str, Any] = {"entrepot": SettingInfo(label=label, **info)}
    secret = bool(info.get("secret"))
    if default is MISSING:
        return field(metadata=metadata, repr=not secret)
    return field(default=default, metadata=metadata, repr=not secret)


def setting_infos(settings_type: type) -> dict[str, SettingInfo]:
    """Every setting of a settings dataclass by field name, in order.

    Fields made without `setting` come with their name as label.
    """
    return {
        item.name: item.metadata.get("entrepot", SettingInfo(label=item.name))
        for item in fields(settings_type)
    }
