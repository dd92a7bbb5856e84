"""What a ``DeidentifyConfig`` of the service means for a folder.

Taken: the tag filters of ``dicom`` (v1) and ``dicomTagConfig`` (v1beta1), and the choice of UIDs.
Refused by name: whatever asks to look for sensitive text, in tags or in pixels, since the service
does that with a detector of its own.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from dicomfilter.dicom.deid.profile import PRIMARY_UIDS, Action, Dates, Profile, Rules
from dicomfilter.dictionary import find
from dicomfilter.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_NOT_REDACTED: Final = (None, "REDACT_NO_TEXT", "TEXT_REDACTION_MODE_UNSPECIFIED")
_PROFILES: Final = {
    "ATTRIBUTE_CONFIDENTIALITY_BASIC_PROFILE": Profile.BASIC,
    "MINIMAL_KEEP_LIST_PROFILE": Profile.MINIMAL,
    "KEEP_ALL_PROFILE": Profile.KEEP_ALL,
}
_TAG = re.compile(r"\(?([0-9A-Fa-f]{4}),?([0-9A-Fa-f]{4})\)?")
_ACTIONS: Final = {
    "deleteTag": Action.REMOVE,
    "keepTag": Action.KEEP,
    "recurseTag": Action.KEEP,  # items are gone through in any case
    "regenUidTag": Action.NEW_UID,
    "removeTag": Action.EMPTY,
    "resetTag": Action.REPLACE,
}


def rules_of(config: Mapping[str, Any] | None, *, dates: Dates = Dates.REMOVE) -> Rules:
    """Read a ``DeidentifyConfig``.

    Args:
        config: As JSON; None for the basic profile.
        dates: What becomes of dates; the service has no such option outside of text.

    Raises:
        UsageError: It asks for what is not done here, or cannot be understood.

    Source:
        Discovery documents of the Healthcare API, schema ``DeidentifyConfig``.

    >>> rules_of({"dicom": {"removeList": {"tags": ["PatientID"]}}}).profile
    <Profile.KEEP_ALL: 'keep-all'>
    """
    if config is None:
        return Rules(dates=dates)
    readers: dict[str, Callable[[Any], Rules]] = {
        "dicom": _of_dicom_config,
        "dicomTagConfig": _of_tag_config,
    }
    _check_keys(config, {*readers, "image", "useRegionalDataProcessing"}, "DeidentifyConfig")
    _check_image(config.get("image"), "image")
    given = [name for name in readers if name in config]
    if len(given) > 1:
        raise UsageError("a DeidentifyConfig has both dicom and dicomTagConfig", hint="drop one")
    if not given:
        return Rules(profile=Profile.KEEP_ALL, dates=dates)
    rules = readers[given[0]](config[given[0]])
    return Rules(rules.profile, rules.actions, rules.of_vrs, rules.keep_primary_uids, dates)


def _of_dicom_config(config: Mapping[str, Any]) -> Rules:
    filters = ("filterProfile", "keepList", "removeList")
    _check_keys(config, {*filters, "skipIdRedaction"}, "dicom")
    given = [name for name in filters if name in config]
    if len(given) > 1:
        raise UsageError(f"dicom has both {given[0]} and {given[1]}", hint="drop one")
    keep_uids = bool(config.get("skipIdRedaction"))
    if "keepList" in config:
        kept = dict.fromkeys(_tags(config["keepList"]), Action.KEEP)
        return Rules(Profile.MINIMAL, _but_primary_uids(kept), keep_primary_uids=keep_uids)
    if "removeList" in config:
        removed = dict.fromkeys(_tags(config["removeList"]), Action.REMOVE)
        return Rules(Profile.KEEP_ALL, removed, keep_primary_uids=keep_uids)
    name = config.get("filterProfile", "TAG_FILTER_PROFILE_UNSPECIFIED")
    unsaid = {"TAG_FILTER_PROFILE_UNSPECIFIED": Profile.KEEP_ALL}
    return Rules(_profile(name, unsaid), keep_primary_uids=keep_uids)


def _of_tag_config(config: Mapping[str, Any]) -> Rules:
    _check_keys(config, {"actions", "options", "profileType"}, "dicomTagConfig")
    options = config.get("options") or {}
    _check_keys(options, {"primaryIds", "cleanImage"}, "dicomTagConfig.options")
    _check_image(options.get("cleanImage"), "cleanImage")
    actions: dict[int, Action] = {}
    of_vrs: dict[str, Action] = {}
    for each in config.get("actions") or ():
        _check_keys(each, {*_ACTIONS, "queries"}, "an action of dicomTagConfig")
        named = [name for name in _ACTIONS if name in each]
        if len(named) != 1:
            raise UsageError("an action of dicomTagConfig says not one thing to do")
        for query in each.get("queries") or ():
            if re.fullmatch("[A-Z]{2}", query):
                of_vrs[query] = _ACTIONS[named[0]]
            else:
                actions[_tag(query)] = _ACTIONS[named[0]]
    name = config.get("profileType", "PROFILE_TYPE_UNSPECIFIED")
    return Rules(
        _profile(name, {"PROFILE_TYPE_UNSPECIFIED": Profile.BASIC}),
        actions,
        of_vrs,
        keep_primary_uids=options.get("primaryIds") == "KEEP",
    )


def _profile(name: str, unsaid: Mapping[str, Profile]) -> Profile:
    found = {**_PROFILES, **unsaid}.get(name)
    if found is None:
        raise UsageError(
            f"the profile {name} is not applied here", hint=f"take {', '.join(_PROFILES)}"
        )
    return found


def _check_keys(config: object, known: Iterable[str], where: str) -> None:
    if not isinstance(config, dict):
        raise UsageError(f"{where} is not an object of JSON")
    unknown = sorted(set(config) - set(known))
    if unknown:
        raise UsageError(
            f"{unknown[0]} of {where} is not done for a folder",
            hint="drop it, or de-identify in a DICOM store of the Healthcare API",
        )


def _check_image(config: object, where: str) -> None:
    if config is None:
        return
    _check_keys(config, {"textRedactionMode"}, where)
    mode = config.get("textRedactionMode") if isinstance(config, dict) else None
    if mode not in _NOT_REDACTED:
        raise UsageError(
            f"textRedactionMode {mode}: text in pixels is not looked for here",
            hint="drop it, or de-identify in a DICOM store of the Healthcare API",
        )


def _tags(config: object) -> list[int]:
    _check_keys(config, {"tags"}, "a list of tags")
    tags = config.get("tags") if isinstance(config, dict) else None
    return [_tag(each) for each in tags or ()]


def _tag(text: str) -> int:
    """Read a tag: a keyword, or eight hexadecimal digits.

    >>> hex(_tag("PatientID")), hex(_tag("(0010,0020)"))
    ('0x100020', '0x100020')
    """
    entry = find(text)
    tag = entry.tag if entry else "".join(match.groups()) if (match := _TAG.fullmatch(text)) else ""
    if not tag or "x" in tag:
        raise UsageError(f"{text!r} is no tag", hint="write PatientID, or 00100020")
    return int(tag, 16)


def _but_primary_uids(kept: dict[int, Action]) -> dict[int, Action]:
    """Let UIDs be replaced though they are kept: ``skipIdRedaction`` is for that."""
    return {tag: action for tag, action in kept.items() if tag not in PRIMARY_UIDS}
