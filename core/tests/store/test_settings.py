from __future__ import annotations

from pathlib import Path

import pytest
from entrepot.store import Settings, SettingsInvalid, load_settings


def test_defaults_are_sqlite_in_the_data_folder(tmp_path: Path):
    settings = load_settings({"ENTREPOT_DATA_DIR": str(tmp_path)})
    assert settings.sqlite_path == tmp_path / "entrepot.db"
    assert settings.production
    assert not settings.allow_private_targets


def test_environment_wins_over_the_file(tmp_path: Path):
    file = tmp_path / "entrepot.toml"
    file.write_text(
        'environment = "demo"\nbind_port = 81\ntrusted_proxies = ["10.0.0.0/8"]\n'
        f'keys_file = "{tmp_path}/k"\n'
    )
    settings = load_settings(
        {
            "ENTREPOT_CONFIG": str(file),
            "ENTREPOT_BIND_PORT": "82",
            "ENTREPOT_PLUGINS": "one, two",
            "ENTREPOT_ALLOW_PRIVATE_TARGETS": "yes",
        }
    )
    assert settings.environment == "demo"
    assert settings.bind_port == 82
    assert settings.trusted_proxies == ("10.0.0.0/8",)
    assert settings.plugins == ("one", "two")
    assert settings.allow_private_targets
    assert settings.keys_file == tmp_path / "k"


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("ENTREPOT_BIND_PORT", "eighty", "digits"),
        ("ENTREPOT_MAIL_TLS", "maybe", "true or false"),
        ("ENTREPOT_ENVIRONMENT", "prod", "production"),
        ("ENTREPOT_DATABASE_URL", "mysql://x/y", "postgresql://"),
        ("ENTREPOT_DATABASE_URL", "sqlite://", "sqlite:///<path>"),
        ("ENTREPOT_PUBLIC_BASE_URL", "hub.example.com", "https://"),
        ("ENTREPOT_CONFIG", "/does/not/exist.toml", "readable"),
    ],
)
def test_errors_name_the_variable_and_the_remedy(variable, value, words):
    with pytest.raises(SettingsInvalid, match=variable) as wrong:
        load_settings({variable: value})
    assert words in str(wrong.value)


def test_unknown_key_in_the_file_is_refused(tmp_path: Path):
    file = tmp_path / "entrepot.toml"
    file.write_text('bind_prot = "81"\n')
    with pytest.raises(SettingsInvalid, match="BIND_PROT"):
        load_settings({}, file)


def test_repr_hides_secrets():
    settings = Settings(
        database_url="postgresql://u:hunter2@h/d",
        keys=("encryption:a:c2VjcmV0",),
        mail_password="letmein",
    )
    for secret in ("hunter2", "c2VjcmV0", "letmein"):
        assert secret not in repr(settings)
    assert settings.database_url.startswith("postgresql+psycopg://u:hunter2@h/d")
    assert settings.database_kind == "postgresql"
