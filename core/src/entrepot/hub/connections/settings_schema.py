"""A plugin's settings as data, and values checked against them.

The plugin's dataclass is the one source: forms, the command line's questions, the
API's validation and the place where a value is kept all derive from it.
"""

from __future__ import annotations

import re
import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, fields, replace
from decimal import Decimal
from enum import Enum
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import marshmallow
from marshmallow import validate

from entrepot.sdk.errors import ConfigInvalid, Rejected
from entrepot.sdk.settings import SettingInfo, setting_infos

SettingKind = Literal["text", "integer", "decimal", "boolean", "choice", "list"]


class SettingsRejected(Rejected):
    """Values that do not fit; `errors` holds the sentences by field."""

    errors: Mapping[str, list[str]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingField:
    """One setting as a form shows it.

    Attributes:
        name: Field name.
        kind: What sort of value it takes.
        required: Whether it must be given.
        default: Its default as JSON; None when there is none.
        info: Label, help and flags.
    """

    name: str
    kind: SettingKind
    required: bool
    default: Any
    info: SettingInfo

    def as_json(self) -> dict[str, Any]:
        """The field for forms and the API."""
        return {
            "name": self.name,
            "label": self.info.label,
            "help": self.info.help,
            "kind": self.kind,
            "required": self.required,
            "default": self.default,
            "secret": self.info.secret,
            "choices": list(self.info.choices),
            "choice_titles": list(map(self.info.title_of, self.info.choices)),
            "pattern": self.info.pattern,
            "advanced": self.info.advanced,
        }


@dataclass(frozen=True, slots=True)
class CheckedSettings:
    """Values that fit: plain ones as JSON, secrets apart."""

    plain: dict[str, Any]
    secrets: dict[str, str]

    def __repr__(self) -> str:
        return f"CheckedSettings({self.plain!r}, secrets={sorted(self.secrets)})"


def settings_fields(settings_type: type) -> tuple[SettingField, ...]:
    """The settings of a plugin, in its order."""
    hints, infos = get_type_hints(settings_type), setting_infos(settings_type)
    found = []
    for item in fields(settings_type):
        info = _with_choices(infos[item.name], hints[item.name])
        kind = "choice" if info.choices else _kind(hints[item.name])
        found.append(
            SettingField(
                name=item.name,
                kind=kind,
                required=item.default is MISSING and item.default_factory is MISSING,
                default=_default(item, info),
                info=info,
            )
        )
    return tuple(found)


def check_settings(
    settings_type: type, values: Mapping[str, Any], *, known_secrets: frozenset[str]
) -> CheckedSettings:
    """Check a complete set of values.

    Args:
        settings_type: The plugin's dataclass.
        values: What was entered, secrets included; secrets that are stored already
            may be left out.
        known_secrets: Names of the secrets that are stored already.

    Raises:
        SettingsRejected: naming each field and what it wants.
    """
    schema_fields = settings_fields(settings_type)
    members = {
        field.name: _marshmallow(field, stored=field.name in known_secrets)
        for field in schema_fields
    }
    schema = marshmallow.Schema.from_dict(dict(members))(unknown=marshmallow.RAISE)
    entered = {k: v.strip() if isinstance(v, str) else v for k, v in values.items()}
    try:
        loaded: dict[str, Any] = schema.load(entered)
    except marshmallow.ValidationError as error:
        raise _rejected(error.messages_dict, schema_fields) from None
    secret = {field.name for field in schema_fields if field.info.secret}
    plain = {name: _json(v) for name, v in loaded.items() if name not in secret}
    build_settings(settings_type, plain)
    kept = {name: loaded[name] for name in secret if loaded.get(name)}
    return CheckedSettings(plain, kept)


def check_field(settings_type: type, name: str, value: Any) -> str:  # noqa: ANN401 - as entered
    """Check one value as it is typed.

    Args:
        settings_type: The plugin's dataclass.
        name: Which setting.
        value: What was entered; an empty text stands for nothing yet.

    Returns:
        What is wrong with it, in one sentence; empty when it fits.

    Raises:
        KeyError: The plugin has no such setting.
    """
    known = {field.name: field for field in settings_fields(settings_type)}
    member = _marshmallow(known[name], stored=False)
    entered = value.strip() if isinstance(value, str) else value
    if entered == "":
        return "Must be filled in." if known[name].required else ""
    try:
        marshmallow.Schema.from_dict({name: member})().load({name: entered})
    except marshmallow.ValidationError as error:
        return _texts(error.messages_dict[name])[0]
    return ""


def build_settings(settings_type: type, plain: Mapping[str, Any]) -> Any:  # noqa: ANN401 - the plugin's own type
    """The plugin's settings object; its secrets stay empty.

    Raises:
        ConfigInvalid: the plugin refuses the combination, or a stored value no
            longer fits its type.
    """
    hints = get_type_hints(settings_type)
    values: dict[str, Any] = {}
    try:
        for field in settings_fields(settings_type):
            if field.info.secret:
                values[field.name] = ""
            elif field.name in plain:
                values[field.name] = _value(hints[field.name], plain[field.name])
        return settings_type(**values)
    except ConfigInvalid:
        raise
    except (TypeError, ValueError, ArithmeticError) as error:
        raise ConfigInvalid(
            "settings_invalid",
            f"The settings of this connection do not fit: {error}.",
            remedy="Open the connection's settings and correct them.",
        ) from None


def _default(item: Field[Any], info: SettingInfo) -> Any:  # noqa: ANN401 - any JSON
    if info.secret or item.default is MISSING:
        return None
    return _json(item.default)


def _bare(hint: Any) -> Any:  # noqa: ANN401 - a type annotation
    """The annotation without `| None`."""
    if get_origin(hint) in (Union, types.UnionType):
        return next(part for part in get_args(hint) if part is not type(None))
    return hint


def _kind(hint: Any) -> SettingKind:  # noqa: ANN401 - a type annotation
    bare = _bare(hint)
    if get_origin(bare) in (tuple, list):
        return "list"
    kinds: dict[Any, SettingKind] = {
        bool: "boolean",
        int: "integer",
        Decimal: "decimal",
        float: "decimal",
    }
    return kinds.get(bare, "text")


def _with_choices(info: SettingInfo, hint: Any) -> SettingInfo:  # noqa: ANN401 - a type annotation
    bare = _bare(hint)
    if info.choices:
        return info
    found: tuple[str, ...] = ()
    if get_origin(bare) is Literal:
        found = tuple(map(str, get_args(bare)))
    elif isinstance(bare, type) and issubclass(bare, Enum):
        found = tuple(str(member.value) for member in bare)
    return replace(info, choices=found)


_MEMBERS: dict[SettingKind, type[marshmallow.fields.Field[Any]]] = {
    "text": marshmallow.fields.String,
    "choice": marshmallow.fields.String,
    "integer": marshmallow.fields.Integer,
    "decimal": marshmallow.fields.Decimal,
    "boolean": marshmallow.fields.Boolean,
}


def _marshmallow(field: SettingField, *, stored: bool) -> Any:  # noqa: ANN401 - a schema field
    info, rules = field.info, []
    needed = field.required and not stored
    if info.choices:
        rules.append(_one_of(info.choices))
    if info.pattern:
        rules.append(_matches(info.pattern, empty=not needed))
    if needed and field.kind in ("text", "choice"):
        rules.append(validate.Length(min=1, error="Must be filled in."))
    arguments: dict[str, Any] = {
        "required": needed,
        "allow_none": not needed,
        "validate": rules,
        "error_messages": {"required": "Must be filled in."},
    }
    if field.kind == "list":
        return marshmallow.fields.List(marshmallow.fields.String(), **arguments)
    return _MEMBERS[field.kind](**arguments)


def _one_of(choices: tuple[str, ...]) -> Any:  # noqa: ANN401 - a validator
    shown = ", ".join(choices)
    return validate.OneOf(choices, error=f"Must be one of: {shown}.")


def _matches(pattern: str, *, empty: bool) -> Any:  # noqa: ANN401 - a validator
    compiled = re.compile(pattern)

    def check(value: str) -> bool:
        if compiled.fullmatch(value) or (empty and not value):
            return True
        # The value isn't repeated: it may be a secret.
        raise marshmallow.ValidationError("Does not have the expected form.")

    return check


def _rejected(
    messages: Mapping[str, Any], schema_fields: tuple[SettingField, ...]
) -> SettingsRejected:
    labels = {field.name: field.info.label for field in schema_fields}
    errors = {name: _texts(entry) for name, entry in messages.items()}
    first = next(
        (f.name for f in schema_fields if f.name in errors), next(iter(errors))
    )
    error = SettingsRejected(
        "settings_invalid",
        f"{labels.get(first, first)}: {errors[first][0]}",
        detail="; ".join(f"{name}: {texts[0]}" for name, texts in errors.items()),
        field=first,
        remedy=f"Correct “{labels.get(first, first)}” and try again.",
    )
    error.errors = errors
    return error


def _texts(entry: Any) -> list[str]:  # noqa: ANN401 - marshmallow's messages
    if isinstance(entry, Mapping):
        return [text for inner in entry.values() for text in _texts(inner)]
    return [str(text) for text in entry]


def _json(value: Any) -> Any:  # noqa: ANN401 - any value of a setting
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, tuple | list):
        return [_json(entry) for entry in value]
    return value


def _value(hint: Any, stored: Any) -> Any:  # noqa: ANN401 - any value of a setting
    bare = _bare(hint)
    if stored is None:
        return None if bare is not hint else ""
    if get_origin(bare) is tuple:
        return tuple(stored)
    if isinstance(bare, type) and issubclass(bare, Enum | Decimal):
        return bare(stored)
    return stored
