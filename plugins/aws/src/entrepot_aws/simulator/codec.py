"""The wire: which operation a request means, its input, and answers (§2).

Service descriptions are botocore's; inputs are checked against them, limits and
patterns included, since no client does that.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

import botocore.session
import msgspec
from botocore.model import OperationModel, ServiceModel
from botocore.validate import ParamValidator
from werkzeug.wrappers import Request, Response

Data = dict[str, Any]

TARGETS: Mapping[str, str] = {
    "AWSOrganizationsV20161128": "organizations",
    "AWSInsightsIndexService": "ce",
    "Invoicing": "invoicing",
    "AWSMPCommerceService_v20200301": "marketplace-agreement",
    "PartnerCentralChannel": "partnercentral-channel",
}
REST = (
    "billingconductor",
    "savingsplans",
    "marketplace-discovery",
    "marketplace-catalog",
)
XML = frozenset({"sts", "s3"})
_SCOPE = re.compile(r"Credential=([^/,]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request")
_BAD_INPUT = {"organizations": "InvalidInputException"}
_BAD_STATUS = {"marketplace-catalog": 422}  # T09
_THROTTLED: Mapping[str, tuple[int, str]] = {
    "organizations": (400, "TooManyRequestsException"),
    "ce": (400, "LimitExceededException"),
    "sts": (400, "Throttling"),
    "s3": (503, "SlowDown"),
}
_FAILED = {"organizations": "ServiceException", "s3": "InternalError"}


class Refusal(Exception):
    """The vendor says no: becomes an error answer of the service asked.

    Args:
        code: Name of the modelled error.
        message: The vendor's words.
        status: HTTP status.
        **members: Further modelled members, such as ``Reason``.
    """

    def __init__(
        self, code: str, message: str, status: int = 400, **members: object
    ) -> None:
        super().__init__(message)
        self.code, self.message = code, message
        self.status, self.members = status, members


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for.

    Attributes:
        service: boto3's name of the service.
        operation: Name of the operation; empty when it cannot be told.
        region: Region of the signature.
        access_key: Who signed; empty when nobody did.
    """

    service: str
    operation: str
    region: str = ""
    access_key: str = ""


@cache
def model(service: str) -> ServiceModel:
    """Botocore's description of a service."""
    return botocore.session.Session().get_service_model(service)


@cache
def _rest_routes() -> dict[tuple[str, str], tuple[str, str]]:
    found = {}
    for service in REST:
        described = model(service)
        for name in described.operation_names:
            http = described.operation_model(name).http
            found[http["method"], http["requestUri"]] = (service, name)
    return found


def asked(request: Request) -> Asked:
    """The operation a request means, by target, path or action."""
    match = _SCOPE.search(request.headers.get("Authorization", ""))
    key, region, signed = (match[1], match[3], match[4]) if match else ("", "", "")
    prefix, _, operation = request.headers.get("X-Amz-Target", "").rpartition(".")
    if prefix:
        return Asked(TARGETS.get(prefix, ""), operation, region, key)
    rest = _rest_routes().get((request.method, request.path))
    if rest is not None:
        return Asked(*rest, region, key)
    if signed == "sts" or (request.method == "POST" and request.path == "/"):
        form = dict(parse_qsl(request.get_data(as_text=True)))
        return Asked(signed or "sts", form.get("Action", ""), region, key)
    return Asked(signed or "s3", f"{request.method} object", region, key)


def inputs(found: Asked, request: Request) -> Data:
    """The checked input of a JSON operation.

    Raises:
        Refusal: The operation is unknown or the input does not fit its description.
    """
    names = model(found.service).operation_names if found.service else ()
    if found.operation not in names:
        raise Refusal("UnknownOperationException", f"No operation {found.operation!r}.")
    described = model(found.service).operation_model(found.operation)
    body = request.get_data()
    try:
        given = msgspec.json.decode(body) if body else {}
    except msgspec.MsgspecError:
        raise Refusal("SerializationException", "The body is no JSON.") from None
    problem = _problem(given, described)
    if problem:
        code = _BAD_INPUT.get(found.service, "ValidationException")
        raise Refusal(code, problem, _BAD_STATUS.get(found.service, 400))
    return dict(given)


def _problem(given: Data, described: OperationModel) -> str:
    shape = described.input_shape
    if shape is None:
        return ""
    report = ParamValidator().validate(given, shape)
    if report.has_errors():
        return str(report.generate_report())
    return _beyond(given, shape, "")


def _beyond(value: Any, shape: Any, path: str) -> str:  # noqa: ANN401 - any value of any shape
    """What botocore's own validator leaves out: most, enum and pattern."""
    if shape.type_name == "structure":
        members = ((k, v) for k, v in value.items() if k in shape.members)
        parts = (_beyond(v, shape.members[k], f"{path}.{k}") for k, v in members)
        return next((p for p in parts if p), "")
    limits = shape.metadata
    if shape.type_name == "list":
        if len(value) > limits.get("max", len(value)):
            return f"{path}: too many members"
        parts = (_beyond(v, shape.member, f"{path}[]") for v in value)
        return next((p for p in parts if p), "")
    if shape.type_name == "string":
        return _text_problem(value, limits, path)
    if shape.type_name in ("integer", "long") and value > limits.get("max", value):
        return f"{path}: {value} is more than {limits['max']}"
    return ""


def _text_problem(value: str, limits: Mapping[str, Any], path: str) -> str:
    if limits.get("enum") and value not in limits["enum"]:
        return f"{path}: {value!r} is none of {limits['enum']}"
    if len(value) > limits.get("max", len(value)):
        return f"{path}: longer than {limits['max']}"
    pattern = limits.get("pattern")
    if pattern and not re.search(f"^(?:{pattern})$", value):
        return f"{path}: does not match {pattern}"
    return ""


def _encoded(value: object) -> object:
    if isinstance(value, datetime):
        return value.timestamp()
    msg = f"{type(value).__name__} has no JSON form"
    raise TypeError(msg)


def _json_type(service: str) -> str:
    if service in REST or not service:
        return "application/json"
    return f"application/x-amz-json-{model(service).metadata.get('jsonVersion', '1.0')}"


def answer(service: str, result: Data) -> Response:
    """An answer of a JSON service; moments become seconds."""
    body = msgspec.json.encode(result, enc_hook=_encoded)
    return Response(body, content_type=_json_type(service))


def refused(service: str, refusal: Refusal) -> Response:
    """An error in the service's own shape."""
    if service in XML:
        return _xml(service, refusal)
    body = {"__type": refusal.code, "message": refusal.message, **refusal.members}
    response = Response(
        msgspec.json.encode(body, enc_hook=_encoded),
        status=refusal.status,
        content_type=_json_type(service),
    )
    response.headers["x-amzn-errortype"] = refusal.code
    return response


def _xml(service: str, refusal: Refusal) -> Response:
    inner = f"<Code>{refusal.code}</Code><Message>{refusal.message}</Message>"
    error = f"<Error>{inner}</Error>"
    if service == "sts":
        error = (
            f"<ErrorResponse><Error><Type>Sender</Type>{inner}</Error></ErrorResponse>"
        )
    return Response(error, status=refusal.status, content_type="text/xml")


def throttled(service: str, retry_after: str | None) -> Response:
    """Too many requests, as each service says it (§3, §5.3)."""
    status, code = _THROTTLED.get(service, (429, "ThrottlingException"))
    response = refused(service, Refusal(code, "Rate exceeded", status))
    if retry_after is not None:
        response.headers["Retry-After"] = retry_after
    return response


def failed(service: str, status: int) -> Response:
    """A fault of the service."""
    code = _FAILED.get(service, "InternalServerException")
    return refused(service, Refusal(code, "The service failed.", status))
