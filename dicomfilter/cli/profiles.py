"""Profiles: places and limits that a configuration file names once.

An option comes before its variable, a variable before the profile. What selects images, replaces
files or starts something twice is said on the command line alone.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperArgument

from dicomfilter.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

TABLE_VARIABLE = "DICOMFILTER_TABLE"
"""Names the table where a command line does not."""
PROFILE_VARIABLE = "DICOMFILTER_PROFILE"
_CHOSEN = "dicomfilter.profile"
_TEXTS = (
    *("table", "store", "dataset", "location", "project"),
    *("staging", "temp_dataset", "memory_limit"),
)
_NUMBERS = {"maximum_bytes_billed": int, "timeout_s": float}
KEYS = (*_TEXTS, *_NUMBERS)
"""What a profile may name: options and arguments, with ``_`` for ``-``."""

ProfileOption = Annotated[
    str | None,
    typer.Option(
        "--profile",
        metavar="NAME",
        help="Places and limits of the configuration file.",
        envvar=PROFILE_VARIABLE,
        show_envvar=False,
    ),
]


def takes_profile(parameters: list[Any]) -> bool:
    """Tell whether a profile may name the value of any of a command's parameters."""
    return any(_key(one) in KEYS for one in parameters)


def config_file() -> Path:
    """Say where the configuration file is, whether or not there is one."""
    home = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(home).expanduser() / "dicomfilter" / "config.toml"


def choose(context: typer.Context, name: str | None) -> None:
    """Remember which profile a command line names before its command."""
    context.meta[_CHOSEN] = name


def apply(context: typer.Context, _option: object, name: str | None) -> None:
    """Let a command take from a profile what nothing nearer names."""
    values = profile(name or context.meta.get(_CHOSEN))
    if not values:
        return
    found = {}
    for parameter in context.command.get_params(context):
        value = values.get(_key(parameter))
        if value is not None:
            is_list = parameter.multiple or parameter.nargs == -1
            found[parameter.name] = [value] if is_list else value
    context.default_map = found


def default(context: typer.Context, name: str) -> str | None:
    """Give what variable or profile has for a parameter, whatever was typed."""
    parameter = next(one for one in context.command.params if one.name == name)
    value = parameter.value_from_envvar(context) or context.lookup_default(name)
    return str(value[0] if isinstance(value, list | tuple) else value) if value else None


def _key(parameter: Any) -> str:  # noqa: ANN401 - Typer hides the type
    """Name a parameter as a profile does: an argument by its metavar, an option by its own name."""
    if isinstance(parameter, TyperArgument):
        return str(parameter.metavar or "").strip("[]").lower()
    long = next((one for one in parameter.opts if one.startswith("--")), "")
    # --table names a further table, and TABLE is the argument.
    return "" if long == "--table" else long[2:].replace("-", "_")


def profile(name: str | None) -> Mapping[str, Any]:
    """Read a profile of the configuration file.

    Args:
        name: Which; None for the one that the file itself names, if any.

    Returns:
        Its values by their names.

    Raises:
        UsageError: The file cannot be read, it has no such profile, or the profile names what a
            profile may not.
    """
    document, path = _document(), config_file()
    profiles = document.get("profiles", {})
    chosen = name or document.get("profile")
    if chosen is None:
        return {}
    if not isinstance(profiles, dict) or not isinstance(profiles.get(chosen), dict):
        known = ", ".join(profiles) if isinstance(profiles, dict) else ""
        raise UsageError(
            f"there is no profile {chosen!r} in {path}",
            hint=f"write one of {known}" if known else f"add a head [profiles.{chosen}] to it",
        )
    values = {key.replace("-", "_"): value for key, value in profiles[chosen].items()}
    for key, value in values.items():
        _require(chosen, key, value)
    return values


def _require(name: str, key: str, value: object) -> None:
    if key not in KEYS:
        raise UsageError(
            f"profile {name!r} names {key}, which only a command line may say",
            hint=f"a profile takes {', '.join(KEYS)}",
        )
    wanted = _NUMBERS.get(key, str)
    kinds = (int, float) if wanted is float else wanted
    if isinstance(value, bool) or not isinstance(value, kinds):
        kind = "a text" if wanted is str else "a number"
        raise UsageError(
            f"{key} of profile {name!r} is not {kind}", hint=f"correct it in {config_file()}"
        )


def _document() -> dict[str, Any]:
    path = config_file()
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read: {(error.strerror or str(error)).lower()}",
            hint="make it readable, or set XDG_CONFIG_HOME to another folder",
        ) from None
    import tomllib

    try:
        return tomllib.loads(text.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not TOML: {error}", hint="correct that line") from None
