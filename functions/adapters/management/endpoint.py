"""Where the @connections API is."""

from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from heatmap.errors import Misconfigured

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The base URL, taken apart.

    Attributes:
        authority: host and port as the `Host` header says them: without the port that the scheme implies.
        path: what comes before `/@connections`, percent-encoded, without a slash at its end.
    """

    is_tls: bool
    host: str
    port: int
    authority: str
    path: str

    @classmethod
    def at(cls, url: str) -> Self:
        """The endpoint at a URL.

        Raises:
            Misconfigured: it is not an http:// or https:// URL with a host.
        """
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise Misconfigured("management URL", "a valid URL", url) from error
        if parts.scheme not in _PORTS or not host:
            raise Misconfigured("management URL", "an http:// or https:// URL with a host", url)
        authority = f"[{host}]" if ":" in host else host
        if port is not None and port != _PORTS[parts.scheme]:
            authority += f":{port}"
        is_tls = parts.scheme == "https"
        return cls(is_tls, host, port or _PORTS[parts.scheme], authority, parts.path.rstrip("/"))
