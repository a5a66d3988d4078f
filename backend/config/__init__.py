"""Settings: read from the environment once, checked, frozen.

A value that cannot be used stops the start with the setting's name in the message. An unknown name that begins with
JUPITER_ is told at the start: a misspelt setting that is silently ignored is found at night.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from dotenv import dotenv_values
from marshmallow import Schema
from marshmallow import ValidationError as SchemaError

from backend.config.schemas import GuardSchema, LLMSchema, RecordSchema, SettingsSchema, SupabaseSchema, source_schema
from backend.config.settings import (
    DEFAULT_FEEDS,
    DEFAULT_MASTODON_SERVERS,
    DEFAULT_MASTODON_TAGS,
    DEFAULT_SOURCES,
    EXPERIMENT_STATUSES,
    EXPERIMENT_TYPES,
    MOST_TAGS,
    MOST_WORKERS,
    SOURCES,
    GuardSettings,
    LLMSettings,
    RecordSettings,
    Settings,
    SettingsError,
    SourceSettings,
    SupabaseSettings,
)

__all__ = [
    "DEFAULT_FEEDS",
    "DEFAULT_MASTODON_SERVERS",
    "DEFAULT_MASTODON_TAGS",
    "DEFAULT_SOURCES",
    "EXPERIMENT_STATUSES",
    "EXPERIMENT_TYPES",
    "MOST_TAGS",
    "MOST_WORKERS",
    "SOURCES",
    "GuardSettings",
    "LLMSettings",
    "RecordSettings",
    "Settings",
    "SettingsError",
    "SourceSettings",
    "SupabaseSettings",
    "load_settings",
]


def load_settings(environ: Mapping[str, str] | None = None, *, env_file: Path | None = Path(".env")) -> Settings:
    """Read the settings.

    Args:
        environ: in place of the process's environment.
        env_file: a file of NAME=value lines that fills what the environment leaves out; None for none.

    Raises:
        SettingsError: a value is wrong.
    """
    given = _given(os.environ if environ is None else environ, env_file)
    names: set[str] = set()
    values = _load(SettingsSchema(), given, names)
    if "data_dir" in values:
        values["data_dir"] = Path(values["data_dir"])
    llm = LLMSettings(**_load(LLMSchema(), given, names))
    supabase = SupabaseSettings(**_load(SupabaseSchema(), given, names))
    guard = GuardSettings(**_load(GuardSchema(), given, names))
    records = RecordSettings(**_load(RecordSchema(), given, names))
    sources = {name: SourceSettings(**_load(source_schema(name), given, names)) for name in SOURCES}
    return Settings(
        **values,
        llm=llm,
        supabase=supabase,
        guard=guard,
        records=records,
        sources=sources,
        notices=_unknown(given, names),
    )


def _given(environ: Mapping[str, str], env_file: Path | None) -> dict[str, str]:
    """The environment over the file; an empty value counts as not set."""
    filled: Mapping[str, str | None] = dotenv_values(env_file) if env_file and env_file.is_file() else {}
    merged = {**filled, **environ}
    return {name: value.strip() for name, value in merged.items() if value and value.strip()}


def _load(schema: Schema, given: Mapping[str, str], names: set[str]) -> dict[str, Any]:
    own = {str(made.data_key) for made in schema.fields.values()}
    names |= own
    try:
        return dict(schema.load({name: value for name, value in given.items() if name in own}))
    except SchemaError as error:
        told = "; ".join(f"{name}: {' '.join(map(str, faults))}" for name, faults in error.messages_dict.items())
        raise SettingsError(told) from None


def _unknown(given: Mapping[str, str], names: set[str]) -> tuple[str, ...]:
    notices = []
    for name in sorted(name for name in given if name.startswith("JUPITER_") and name not in names):
        nearest = get_close_matches(name, names, 1)
        hint = f"; did you mean {nearest[0]}?" if nearest else ""
        notices.append(f"{name} is ignored, there is no such setting{hint}")
    return tuple(notices)
