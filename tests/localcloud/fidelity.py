"""Close the gaps between fake-gcs-server and Cloud Storage: the hook of its proxies.

Preconditions hold on every method, declared checksums are compared, composed objects look like
composed objects, buckets keep their location, ``testIamPermissions`` answers. Checks and the
writes that they guard happen under one lock, so of two writers that demand an absent object one
wins.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import re
import threading
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

import google_crc32c

from tests.localcloud.resumable import Sessions
from tests.localcloud.wire import Answer, Headers, Request

_COMPOSE_AT_MOST = 32
_OBJECT = r"(?:/download)?/storage/v1/b/([^/]+)/o/([^/]+)"


def crc32c(data: bytes) -> str:
    """Give the checksum as Cloud Storage writes it."""
    return base64.b64encode(google_crc32c.Checksum(data).digest()).decode()


def md5(data: bytes) -> str:
    """Give the other checksum as Cloud Storage writes it."""
    return base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()


class _RefusedError(Exception):
    def __init__(self, status: int, message: str, reason: str) -> None:
        super().__init__(message)
        self.answer = Answer.refusal(status, message, reason)


def no_object(bucket: str, name: str) -> _RefusedError:
    """Say that an object is missing."""
    return _RefusedError(404, f"No such object: {bucket}/{name}", "notFound")


@dataclass
class Query:
    """What a request asks in its query string."""

    values: dict[str, list[str]]

    @classmethod
    def of(cls, target: str) -> Query:
        """Read a target's."""
        return cls(parse_qs(urlsplit(target).query, keep_blank_values=True))

    def get(self, name: str) -> str | None:
        """Give the first value."""
        return self.values[name][0] if name in self.values else None

    def check(self, existing: dict[str, Any] | None, prefix: str = "if") -> None:
        """Compare what it demands of an object's generation."""
        generation = int(existing["generation"]) if existing else 0
        wanted = self.get(f"{prefix}GenerationMatch")
        unwanted = self.get(f"{prefix}GenerationNotMatch")
        if wanted is not None and int(wanted) != generation:
            words = "At least one of the pre-conditions you specified did not hold."
            raise _RefusedError(412, words, "conditionNotMet")
        if unwanted is not None and int(unwanted) == generation:
            raise _RefusedError(304, "Not Modified", "notModified")


@dataclass
class Fidelity:
    """Sees requests before fake-gcs-server does, and answers those that it would get wrong."""

    host: str = "127.0.0.1"
    port: int = 0
    public_url: str = ""
    denied: set[str] = field(default_factory=set)
    """Permissions that ``testIamPermissions`` leaves out, of a bucket and of all in it."""
    details: dict[str, dict[str, Any]] = field(default_factory=dict)
    """More of what ``buckets.get`` says, by the bucket: ``retentionPolicy``, ``encryption``, …
    What a retention keeps is neither overwritten nor deleted."""
    policies: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """The bindings of buckets, for ``getIamPolicy``."""
    page_at_most: int = 1000
    """How many names a page of a list has, whatever is asked for."""
    _lock: threading.RLock = field(default_factory=threading.RLock, init=False, repr=False)
    _locations: dict[str, str] = field(default_factory=dict, init=False)
    _components: dict[tuple[str, str, str], int] = field(default_factory=dict, init=False)
    _sessions: Sessions = field(default_factory=Sessions, init=False)

    def __call__(self, request: Request) -> Answer | None:
        path, query = urlsplit(request.target).path, Query.of(request.target)
        try:
            return self._answer(request, path, query)
        except _RefusedError as refused:
            return refused.answer

    def _answer(self, request: Request, path: str, query: Query) -> Answer | None:
        if query.get("upload_id"):
            return self._resumed(request, query)
        if path.startswith(("/upload/", "/resumable/")) and request.method == "POST":
            return self._upload(request, path, query)
        if found := re.fullmatch(r"/storage/v1/b/([^/]+)/iam/testPermissions", path):
            return self._permissions(unquote(found[1]), query)
        if found := re.fullmatch(r"/storage/v1/b/([^/]+)/iam", path):
            return self._policy(unquote(found[1]))
        if re.fullmatch(r"/storage/v1/b/[^/]+/o/?", path):
            return self._listed(request)
        if re.fullmatch(r"/storage/v1/b(/[^/]+)?/?", path):
            return self._bucket(request)
        if found := re.fullmatch(r"/storage/v1/b/([^/]+)/o/([^/]+)/compose", path):
            return self._compose(unquote(found[1]), unquote(found[2]), request)
        copied = rf"{_OBJECT}/(?:rewriteTo|copyTo)/b/([^/]+)/o/([^/]+)"
        if found := re.fullmatch(copied, path):
            return self._copy([unquote(each) for each in found.groups()], request, query)
        if found := re.fullmatch(_OBJECT, path):
            return self._object(unquote(found[1]), unquote(found[2]), request)
        return None

    # what the hook itself asks

    def call(self, method: str, target: str, body: bytes = b"", **headers: str) -> Answer:
        """Ask fake-gcs-server."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=60)
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, target, body=body or None, headers=fields)
        response = connection.getresponse()
        answer = Answer(response.status, response.read(), Headers(list(response.getheaders())))
        connection.close()
        return answer

    def pass_on(self, request: Request) -> Answer:
        """Ask it what the client asked."""
        fields = dict(request.headers.end_to_end())
        return self.call(request.method, request.target, request.body, **fields)

    def described(self, bucket: str, name: str) -> dict[str, Any] | None:
        """Describe an object as it is now; None: there is none."""
        answer = self.call("GET", f"/storage/v1/b/{bucket}/o/{quote(name, safe='')}")
        return json.loads(answer.body) if answer.status == 200 else None

    def make_bucket(self, name: str, location: str) -> None:
        """Make a bucket, past every fault."""
        body = json.dumps({"name": name, "location": location}).encode()
        request = Request("POST", "/storage/v1/b?project=demo", Headers(), body)
        assert self._bucket(request).status == 200

    # buckets and lists

    def _permissions(self, bucket: str, query: Query) -> Answer:
        self._demand_bucket(bucket)
        held = [each for each in query.values.get("permissions", []) if each not in self.denied]
        kind = "storage#testIamPermissionsResponse"
        return Answer.of_json(200, {"kind": kind, "permissions": held})

    def _policy(self, bucket: str) -> Answer:
        self._demand_bucket(bucket)
        self._demand("storage.buckets.getIamPolicy")
        bindings = self.policies.get(bucket, [])
        return Answer.of_json(200, {"kind": "storage#policy", "version": 1, "bindings": bindings})

    def _demand(self, permission: str) -> None:
        if permission in self.denied:
            words = (
                f"The caller does not have {permission} access to the Google Cloud Storage bucket."
            )
            raise _RefusedError(403, words, "forbidden")

    def reset(self) -> None:
        """Put all that tests set back."""
        self.denied.clear()
        self.details.clear()
        self.policies.clear()
        self.page_at_most = 1000

    def _demand_free(self, bucket: str, name: str, existing: dict[str, Any] | None) -> None:
        """Refuse to replace or delete what a bucket keeps."""
        kept = self.details.get(bucket, {})
        if existing is None or not (
            kept.get("retentionPolicy") or kept.get("defaultEventBasedHold")
        ):
            return
        words = (
            f"Object '{bucket}/{name}' is subject to bucket's retention policy or object retention "
            "and cannot be deleted or overwritten until 2031-01-01T00:00:00Z"
        )
        raise _RefusedError(403, words, "retentionPolicyNotMet")

    def _demand_bucket(self, bucket: str) -> None:
        if self.call("GET", f"/storage/v1/b/{bucket}").status != 200:
            raise _RefusedError(404, "The specified bucket does not exist.", "notFound")

    def _bucket(self, request: Request) -> Answer:
        if request.method == "GET" and request.target.count("/") > 3:
            self._demand("storage.buckets.get")
        if request.method == "POST":
            asked = json.loads(request.body)
            self._locations[asked["name"]] = asked.get("location", "US").upper()
        answer = self.pass_on(request)
        if answer.status != 200 or not answer.body:
            return answer
        value = json.loads(answer.body)
        for each in value.get("items", [value]):
            if "name" in each:
                each["location"] = self._locations.get(each["name"], "US")
                each.update(self.details.get(each["name"], {}))
        return Answer.of_json(200, value)

    def _listed(self, request: Request) -> Answer:
        self._demand("storage.objects.list")
        asked = Query.of(request.target)
        if int(asked.get("maxResults") or 1000) > self.page_at_most:
            size = {"maxResults": [str(self.page_at_most)]}
            path = request.target.partition("?")[0]
            request.target = f"{path}?{urlencode(asked.values | size, doseq=True)}"
        answer = self.pass_on(request)
        if answer.status != 200:
            return answer
        value = json.loads(answer.body)
        for each in value.get("items", []):
            self._complete(each)
        return Answer.of_json(200, value)

    def _complete(self, described: dict[str, Any]) -> dict[str, Any]:
        """Describe a composed object as one."""
        bucket, name, generation = (described[key] for key in ("bucket", "name", "generation"))
        components = self._components.get((bucket, name, generation))
        if components:
            described.pop("md5Hash", None)
            described["componentCount"] = components
        return described

    # objects

    def _object(self, bucket: str, name: str, request: Request) -> Answer | None:
        query = Query.of(request.target)
        reads_media = query.get("alt") == "media" or request.target.startswith("/download/")
        with self._lock:
            existing = self.described(bucket, name)
            if existing is None:
                self._demand_bucket(bucket)
            query.check(existing)
            asked = query.get("generation")
            if existing is None or asked not in (None, existing["generation"]):
                raise no_object(bucket, name)
            if request.method == "DELETE":
                self._demand_free(bucket, name, existing)
            answer = self.pass_on(request)
        if request.method == "DELETE":
            return Answer(204) if answer.status == 200 else answer
        if reads_media and answer.status in (200, 206):
            hashes = f"crc32c={existing['crc32c']}"
            if not self._components.get((bucket, name, existing["generation"])):
                hashes += f",md5={existing['md5Hash']}"
            fields = [pair for pair in answer.headers.fields if pair[0].lower() != "x-goog-hash"]
            answer.headers = Headers([*fields, ("x-goog-hash", hashes)])
        elif answer.status == 200 and answer.body:
            return Answer.of_json(200, self._complete(json.loads(answer.body)))
        return answer

    def _copy(self, names: list[str], request: Request, query: Query) -> Answer:
        with self._lock:
            source, target = self.described(*names[:2]), self.described(*names[2:])
            if source is None or query.get("sourceGeneration") not in (None, source["generation"]):
                raise no_object(*names[:2])
            self._demand_bucket(names[2])
            query.check(source, "ifSource")
            query.check(target)
            return self.pass_on(request)

    def _compose(self, bucket: str, name: str, request: Request) -> Answer:
        asked, query = json.loads(request.body or b"{}"), Query.of(request.target)
        sources = asked.get("sourceObjects", [])
        if not 1 <= len(sources) <= _COMPOSE_AT_MOST:
            words = f"The number of source components provided ({len(sources)}) is not 1 to 32."
            raise _RefusedError(400, words, "invalid")
        with self._lock:
            query.check(self.described(bucket, name))
            parts = []
            for source in sources:
                part = self.described(bucket, source["name"])
                if (
                    part is None
                    or str(source.get("generation") or part["generation"]) != part["generation"]
                ):
                    raise no_object(bucket, source["name"])
                wanted = (source.get("objectPreconditions") or {}).get("ifGenerationMatch")
                Query({"ifGenerationMatch": [str(wanted)]} if wanted is not None else {}).check(
                    part
                )
                parts.append(part)
            bare = {k: v for k, v in asked.items() if k != "deleteSourceObjects"}
            bare["sourceObjects"] = [{"name": source["name"]} for source in sources]
            request.body = json.dumps(bare).encode()
            if all(part["name"] != name for part in parts):  # or it would keep its generation
                self.call("DELETE", f"/storage/v1/b/{bucket}/o/{quote(name, safe='')}")
            answer = self.pass_on(request)
            if answer.status != 200:
                return answer
            made = json.loads(answer.body)
            counts = (self._components.get((bucket, p["name"], p["generation"]), 1) for p in parts)
            self._components[bucket, name, made["generation"]] = sum(counts)
            if asked.get("deleteSourceObjects"):
                for part in parts:
                    target = f"/storage/v1/b/{bucket}/o/{quote(part['name'], safe='')}"
                    self.call("DELETE", target)
        return Answer.of_json(200, self._complete(made))

    # uploads

    def _upload(self, request: Request, path: str, query: Query) -> Answer | None:
        bucket = unquote(path.partition("/b/")[2].partition("/")[0])
        self._demand_bucket(bucket)
        if query.get("uploadType") == "resumable":
            described = json.loads(request.body or b"{}")
            name = query.get("name") or described["name"]
            query.check(self.described(bucket, name))
            described |= {"name": name, "bucket": bucket}
            described.setdefault("contentType", request.headers.get("x-upload-content-type"))
            conditions = {k: v[0] for k, v in query.values.items() if k.startswith("if")}
            session = self._sessions.open(described, conditions)
            where = f"{self.public_url}{path}?uploadType=resumable&upload_id={session}"
            return Answer(
                200, b"", Headers([("location", where), ("x-guploader-uploadid", session)])
            )
        if name := query.get("name"):
            self._demand_free(bucket, name, self.described(bucket, name))
        if query.get("uploadType") != "multipart":
            return None
        described, data = _parts(request)
        _compare(described, data)
        name = query.get("name") or described["name"]
        self._demand_free(bucket, name, self.described(bucket, name))
        with self._lock:  # fake-gcs-server compares generations itself; the lock is for the others
            return self.pass_on(request)

    def _resumed(self, request: Request, query: Query) -> Answer:
        session = str(query.get("upload_id"))
        with self._lock:
            return self._sessions.take(session, request, self._store)

    def _store(
        self, described: dict[str, Any], conditions: dict[str, str], data: bytes, hashes: str
    ) -> Answer:
        """Write what a session has gathered."""
        for declared in filter(None, (each.strip() for each in hashes.split(","))):
            kind, _, value = declared.partition("=")
            described = {**described, {"crc32c": "crc32c", "md5": "md5Hash"}[kind]: value}
        try:
            _compare(described, data)
            bucket, name = described["bucket"], described["name"]
            existing = self.described(bucket, name)
            Query({k: [v] for k, v in conditions.items()}).check(existing)
            self._demand_free(bucket, name, existing)
        except _RefusedError as refused:
            return refused.answer
        kind = described.get("contentType") or "application/octet-stream"
        mark = "the_end_of_a_part"
        body = (
            f"--{mark}\r\ncontent-type: application/json\r\n\r\n{json.dumps(described)}\r\n"
            f"--{mark}\r\ncontent-type: {kind}\r\n\r\n"
        ).encode() + data
        return self.call(
            "POST",
            f"/upload/storage/v1/b/{bucket}/o?uploadType=multipart",
            body + f"\r\n--{mark}--\r\n".encode(),
            content_type=f'multipart/related; boundary="{mark}"',
        )


def _parts(request: Request) -> tuple[dict[str, Any], bytes]:
    """Split a multipart upload into the description and the data."""
    declared = request.headers.get("content-type")
    mark = re.search(r'boundary="?([^";]+)"?', declared)
    assert mark, declared
    boundary = b"--" + mark[1].encode()
    _, first, second = request.body.split(boundary, 2)
    data = second.split(b"\r\n\r\n", 1)[1]
    return json.loads(first.split(b"\r\n\r\n", 1)[1]), data[: data.rindex(b"\r\n" + boundary)]


def _compare(described: dict[str, Any], data: bytes) -> None:
    """Compare the checksums that were declared."""
    for key, words, real in (("crc32c", "CRC32C", crc32c), ("md5Hash", "MD5 hash", md5)):
        declared = described.get(key)
        if declared not in (None, real(data)):
            message = (
                f'Provided {words} "{declared}" doesn\'t match calculated {words} "{real(data)}".'
            )
            raise _RefusedError(400, message, "invalid")
