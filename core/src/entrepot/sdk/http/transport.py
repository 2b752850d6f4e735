"""The connection pool of one connection, behind the egress guard."""

from __future__ import annotations

import socket
import ssl
from typing import Any

import requests
import requests.adapters
import urllib3
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3 import connection as plain
from urllib3.exceptions import (
    ConnectTimeoutError,
    NameResolutionError,
    NewConnectionError,
)
from urllib3.util.connection import create_connection

from entrepot.sdk.egress import EgressPolicy
from entrepot.sdk.http.policy import HttpPolicy


class Transport:
    """Sends bytes to checked addresses only. Shared by all calls of a connection.

    Environment proxies and `.netrc` are ignored: they would let traffic pass by the
    guard or add credentials that nobody configured.

    Args:
        egress: Which hosts and addresses are allowed.
        policy: Sizes and time-outs.

    Attributes:
        egress: As given.
        policy: As given.
        session: For ordinary calls; what test tools for requests intercept.
        pool: For hot listings, without the cost of requests.
    """

    def __init__(self, egress: EgressPolicy, policy: HttpPolicy | None = None) -> None:
        self.egress = egress
        self.policy = policy or HttpPolicy()
        authorities = self.policy.ca_bundle or DEFAULT_CA_BUNDLE_PATH
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = authorities
        self.session.headers.clear()
        self.session.headers["Accept-Encoding"] = "gzip, deflate"
        adapter = _GuardedAdapter(egress, self.policy.concurrency)
        self.session.mount("https://", adapter)
        self.session.mount("http://", adapter)
        self.pool = _guarded_manager(
            egress,
            num_pools=4,
            maxsize=self.policy.concurrency,
            cert_reqs=ssl.CERT_REQUIRED,
            ca_certs=authorities,
        )

    def close(self) -> None:
        """Close idle connections; calls under way end normally."""
        self.session.close()
        self.pool.clear()


class _GuardedAdapter(requests.adapters.HTTPAdapter):
    """An adapter whose pools connect to checked addresses."""

    def __init__(self, egress: EgressPolicy, size: int) -> None:
        self._egress = egress
        super().__init__(pool_connections=4, pool_maxsize=size, max_retries=0)

    def init_poolmanager(
        self,
        connections: int,
        maxsize: int,
        block: bool = False,
        **pool_kwargs: Any,  # noqa: ANN401 - passed through
    ) -> None:
        self.poolmanager = _guarded_manager(
            self._egress,
            num_pools=connections,
            maxsize=maxsize,
            block=block,
            **pool_kwargs,
        )


def _guarded_manager(
    egress: EgressPolicy,
    **arguments: Any,  # noqa: ANN401 - passed through
) -> urllib3.PoolManager:
    manager = urllib3.PoolManager(**arguments)
    manager.pool_classes_by_scheme = _guarded_pools(egress)
    return manager


def _guarded_pools(egress: EgressPolicy) -> dict[str, type[urllib3.HTTPConnectionPool]]:
    """Pool classes whose connections ask this policy before they connect."""

    class GuardedHttp(plain.HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return _connect(self, egress, encrypted=False)

    class GuardedHttps(plain.HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return _connect(self, egress, encrypted=True)

    class HttpPool(urllib3.HTTPConnectionPool):
        ConnectionCls = GuardedHttp

    class HttpsPool(urllib3.HTTPSConnectionPool):
        ConnectionCls = GuardedHttps

    return {"http": HttpPool, "https": HttpsPool}


def _connect(
    wanted: plain.HTTPConnection, egress: EgressPolicy, *, encrypted: bool
) -> socket.socket:
    """Resolve, check and connect; the host name stays for TLS and the Host header."""
    port = wanted.port or (443 if encrypted else 80)
    try:
        addresses = egress.addresses(wanted.host, port, encrypted=encrypted)
    except socket.gaierror as error:
        raise NameResolutionError(wanted.host, wanted, error) from error
    except OSError as error:
        raise NewConnectionError(wanted, "the name cannot be resolved") from error
    return _connect_to_first(wanted, addresses, port)


def _connect_to_first(
    wanted: plain.HTTPConnection, addresses: list[str], port: int
) -> socket.socket:
    failure: OSError | None = None
    for address in addresses:
        try:
            return create_connection(
                (address, port),
                wanted.timeout,
                source_address=wanted.source_address,
                socket_options=wanted.socket_options,
            )
        except OSError as error:
            failure = error
    if isinstance(failure, TimeoutError):
        raise ConnectTimeoutError(wanted, "nobody answers") from failure
    raise NewConnectionError(wanted, "no address accepts connections") from failure
