"""The services that moto implements well enough: S3 and STS (§8).

moto's own response dispatch answers inside our server. Its modules are internal,
so nothing else in the simulator knows them.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from datetime import datetime, timedelta

from botocore.awsrequest import AWSPreparedRequest
from botocore.compat import HTTPHeaders
from moto.core.botocore_stubber import BotocoreStubber
from moto.s3.models import s3_backends
from moto.sts.models import sts_backends
from werkzeug.wrappers import Request, Response

from entrepot_aws.simulator.codec import Refusal
from entrepot_aws.simulator.keys import Caller, Key

_ACCOUNT_HEADER = "x-moto-account-id"
_EXPIRATION = re.compile(r"<Expiration>[^<]*</Expiration>")
_HOP = frozenset({"content-length", "transfer-encoding", "connection"})


class Moto:
    """moto's backends of one simulated vendor.

    Args:
        account: Account that owns buckets; its state in this process starts empty.
    """

    def __init__(self, account: str) -> None:
        self.account = account
        self._stubber = BotocoreStubber()
        for name in list(s3_backends[account]["aws"].buckets):
            self._drop(name)
        sts_backends[account]["aws"].reset()

    def answer(self, request: Request, service: str, account: str) -> Response:
        """Moto's answer to a request of an account.

        Raises:
            Refusal: moto does not implement it; told at once instead of with a 500
                that clients repeat.
        """
        path = request.environ.get("RAW_URI") or request.full_path.rstrip("?")
        headers = {k: v for k, v in request.headers.items() if k != "Host"}
        prepared = AWSPreparedRequest(
            request.method,
            f"https://{service}.us-east-1.amazonaws.com{path}",
            HTTPHeaders.from_dict({**headers, _ACCOUNT_HEADER: account}),
            request.get_data(),
            False,
        )
        try:
            found = self._stubber.process_request(prepared)
        except RuntimeError:
            found = None
        if found is None:
            raise Refusal("UnknownOperationException", "moto cannot answer this.")
        status, given, body = found
        response = Response(body, status=status)
        for name, value in dict(given).items():
            if name.lower() not in _HOP:
                response.headers[name] = value
        return response

    def assume_role(
        self, request: Request, account: str, now: datetime, seconds: int
    ) -> tuple[Response, str, Key]:
        """Moto's temporary keys, valid on the vendor's clock.

        Returns:
            The answer, the access key id, and the key it stands for.
        """
        response = self.answer(request, "sts", account)
        until = now + timedelta(seconds=seconds)
        text = _EXPIRATION.sub(
            f"<Expiration>{until.strftime('%Y-%m-%dT%H:%M:%SZ')}</Expiration>",
            response.get_data(as_text=True),
        )
        response.set_data(text)
        found = {node.tag.rpartition("}")[2]: node.text or "" for node in _nodes(text)}
        key = Key(
            Caller(account, found["Arn"]),
            found["SecretAccessKey"],
            found["SessionToken"],
            until,
        )
        return response, found["AccessKeyId"], key

    # Buckets, for what the vendor itself writes

    def bucket(self, name: str) -> None:
        """Make a bucket."""
        s3_backends[self.account]["aws"].create_bucket(name, "us-east-1")

    def put(self, bucket: str, key: str, content: bytes, moment: datetime) -> None:
        """Write an object as of a moment."""
        made = s3_backends[self.account]["aws"].put_object(bucket, key, content)
        made.last_modified = moment.replace(tzinfo=None)

    def remove(self, bucket: str, key: str) -> None:
        """Remove an object."""
        s3_backends[self.account]["aws"].delete_object(bucket, key)

    def _drop(self, name: str) -> None:
        backend = s3_backends[self.account]["aws"]
        for key in list(backend.buckets[name].keys):
            backend.delete_object(name, key)
        backend.delete_bucket(name)


def _nodes(text: str) -> list[ET.Element]:
    return list(ET.fromstring(text).iter())  # noqa: S314 - moto's own answer
