"""Requests to an object store: repeated while that can help, and explained when it cannot.

The retries are here and not in obstore, so that Ctrl-C ends a wait, renewed credentials count for the next attempt, and
a download that makes progress may be cut off as often as it likes.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from enum import Enum, auto
from random import SystemRandom
from typing import TYPE_CHECKING, Final, TypeVar

from costlab.errors import ConfigError, CostlabError, SourceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from obstore.store import ObjectStore

    from costlab.lake.stores import Access

T = TypeVar("T")

_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>(\w+)</Code>")
_REGION = re.compile(r"<Region>([a-z0-9-]+)</Region>")
_OUTSIDE_REGION: Final = "incorrectly configured region"
_EXPIRED: Final = frozenset({"ExpiredToken", "TokenRefreshRequired", "InvalidAuthenticationInfo"})
_EXPIRED_SAS: Final = "not valid in the specified time frame"
_NOT_KNOWN: Final = frozenset(
    {"InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "AuthenticationFailed", "InvalidSecurity"}
)
_MISREGION: Final = frozenset(
    {"AuthorizationHeaderMalformed", "PermanentRedirect", "IllegalLocationConstraintException"}
)
_NO_BUCKET: Final = frozenset({"NoSuchBucket", "ContainerNotFound", "InvalidBucketName"})
_BUSY: Final = frozenset({"SlowDown", "RequestTimeout", "RequestTimeoutException", "ServerBusy", "InternalError"})
_BUSY_STATUS: Final = frozenset({408, 429})
_AGAIN: Final = "Nothing was changed; run the same command again later"


class Stopped(Exception):
    """Another part of the same work failed, or the user said stop."""


class Kind(Enum):
    """What an error of an object store means to us."""

    TRANSIENT = auto()
    EXPIRED = auto()
    UNKNOWN_CREDENTIALS = auto()
    FORBIDDEN = auto()
    NO_BUCKET = auto()
    REGION = auto()
    BAD_NAME = auto()
    OTHER = auto()


@dataclass(frozen=True, slots=True)
class Fault:
    """An error of an object store, without any of its text: that may hold signed URLs."""

    kind: Kind
    status: int = 0
    code: str = ""
    region: str = ""

    @property
    def told(self) -> str:
        """The status and the store's own word for it, "" when it did not answer."""
        return " ".join(filter(None, (str(self.status or ""), self.code)))


def fault_of(error: Exception) -> Fault:
    """Return what an exception of obstore means."""
    text = str(error)
    status = int(match[1]) if (match := _STATUS.search(text)) else 0
    code = match[1] if (match := _CODE.search(text)) else ""
    region = match[1] if (match := _REGION.search(text)) else ""
    return Fault(_kind(type(error).__name__, text, status, code), status, code, region)


def _kind(name: str, text: str, status: int, code: str) -> Kind:
    if name in {"InvalidPathError", "ValueError"}:
        return Kind.BAD_NAME
    if code in _MISREGION or status == 301 or _OUTSIDE_REGION in text:
        return Kind.REGION
    if code in _EXPIRED or _EXPIRED_SAS in text:
        return Kind.EXPIRED
    if status == 401 or name == "UnauthenticatedError":
        return Kind.UNKNOWN_CREDENTIALS
    kinds = ((_NOT_KNOWN, Kind.UNKNOWN_CREDENTIALS), (_NO_BUCKET, Kind.NO_BUCKET), (_BUSY, Kind.TRANSIENT))
    if found := [kind for codes, kind in kinds if code in codes]:
        return found[0]
    if status == 403:
        return Kind.FORBIDDEN
    if status == 404:
        return Kind.NO_BUCKET
    # without a status: no connection, a timeout, or one that was cut
    return Kind.TRANSIENT if status >= 500 or status in _BUSY_STATUS or status == 0 else Kind.OTHER


@dataclass(slots=True)
class Patience:
    """How long a store that is busy or away is waited for: about a minute in all without any progress."""

    attempts: int = 7
    first: float = 0.5
    longest: float = 30.0

    def delay(self, waits: int) -> float:
        """Return the seconds before the next attempt: doubled each time, and up to half of it left to chance."""
        return min(self.longest, self.first * 2.0**waits) * SystemRandom().uniform(0.5, 1.0)


PATIENCE: Final = Patience()
IMPATIENT: Final = Patience(attempts=1)


@dataclass(slots=True)
class Requests:
    """Runs requests against one bucket; safe to use from several threads."""

    access: Access
    root: str
    patience: Patience = field(default_factory=lambda: PATIENCE)
    _store: ObjectStore | None = None
    _renewed: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(
        self,
        action: Callable[[ObjectStore], T],
        uri: str,
        *,
        permission: str,
        progress: Callable[[], int] = int,
        stop: threading.Event | None = None,
    ) -> T:
        """Return what ``action`` returns; ``FileNotFoundError`` and obstore's ``PreconditionError`` pass through.

        Raises
        ------
        ConfigError
            If the credentials are unknown, expired or do not suffice.
        SourceError
            If the store stays busy or away, or there is no such bucket.
        Stopped
            If ``stop`` was set while waiting.
        """
        from obstore.exceptions import BaseError, PreconditionError

        waits, reached, stop = 0, progress(), stop or threading.Event()
        while True:
            store = self._connected()
            try:
                return action(store)
            except (FileNotFoundError, PreconditionError, CostlabError):
                raise
            except (BaseError, OSError, ValueError) as error:
                if is_full(error):
                    raise
                fault = fault_of(error)
            if self.access.problems:
                raise self.access.problems[-1]
            if progress() != reached:
                waits, reached = 0, progress()
            if self._is_mended(fault, store):
                continue
            if fault.kind is not Kind.TRANSIENT or waits >= self.patience.attempts:
                raise self._told(fault, uri, permission)
            if stop.wait(self.patience.delay(waits)):
                raise Stopped
            waits += 1

    def _connected(self) -> ObjectStore:
        with self._lock:
            if self._store is None:
                self._store = self.access.connect()
            return self._store

    def _is_mended(self, fault: Fault, failed: ObjectStore) -> bool:
        """Whether the store is reached in another way now than the one that failed."""
        if fault.kind is Kind.EXPIRED or fault.status == 401:
            return self._renew(failed)
        return fault.kind is Kind.REGION and self._relocate(failed)

    def _renew(self, failed: ObjectStore) -> bool:
        """Read the credentials anew, once in a run; True if ``failed`` is not what is used now."""
        with self._lock:
            if self._store is not failed:
                return True
            if self._renewed:
                return False
            self._renewed = True
            self._store = self.access.connect()
            return True

    def _relocate(self, failed: ObjectStore) -> bool:
        """Connect to the region where the bucket lies; True if ``failed`` is not what is used now."""
        with self._lock:
            if self._store is failed and self.access.relocate():
                self._store = self.access.connect()
            return self._store is not failed

    def _told(self, fault: Fault, uri: str, permission: str) -> CostlabError:
        who, told = self.access.who, fault.told and f" ({fault.told})"
        if fault.kind is Kind.EXPIRED:
            return ConfigError(
                f"{uri}: {who} expired{told}", hint="Log in again or renew the secret, then run it again"
            )
        if fault.kind is Kind.UNKNOWN_CREDENTIALS:
            return ConfigError(f"{uri}: {who} was refused{told}", hint="Check the credentials, and for which account")
        if fault.kind is Kind.FORBIDDEN:
            return ConfigError(f"{uri}: {who} may not do this{told}", hint=f"Grant {permission}")
        if fault.kind is Kind.REGION:
            where = fault.region or "REGION"
            return ConfigError(f"{self.root} lies in another region{told}", hint=f"--option region={where}")
        if fault.kind is Kind.NO_BUCKET:
            return SourceError(f"{self.root} does not exist{told}", hint="Check the name after :// in --from")
        if fault.kind is Kind.BAD_NAME:
            return SourceError(
                f"{uri}: an object there has an empty or relative folder in its name ('//', '..')",
                hint="Such names cannot be read; give --from a folder without them",
            )
        away = told or " (no answer)"
        return SourceError(f"{uri} cannot be read{away}", hint=_AGAIN)


def is_full(error: Exception) -> bool:
    """Whether an error is the local disk's."""
    import errno

    return isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}
