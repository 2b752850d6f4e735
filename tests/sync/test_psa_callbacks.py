"""A PSA's callbacks start a reading of one company; forged ones start nothing."""

from __future__ import annotations

import base64
import json

import pytest


@pytest.fixture
def desk(make_live):
    """A live hub with a PSA whose callbacks arrive."""
    return make_live(plugin="connectwise")


def line_of(desk):
    """A live line, its agreement and its company."""
    return desk.rows(
        "SELECT l.vendor_id, l.agreement_vendor_id, l.company_vendor_id "
        "FROM psa_line l WHERE l.ends IS NULL ORDER BY l.vendor_id"
    )[0]


def touch(desk, line, agreement, quantity):
    """A member edits a line and saves the agreement, which is what is told."""
    desk.vendor.control.act("edit_line", id=int(line), quantity=quantity)
    named = {"name": f"Cloud {quantity}"}
    desk.vendor.control.act("edit", table="agreements", id=int(agreement), fields=named)
    assert desk.vendor.simulator.callbacks.wait()
    return desk.vendor.simulator.callbacks.sent[-1].statuses


def test_callbacks_join_and_read_the_company_they_name(desk):
    assert desk.read(mode="full").state == "complete"
    before = len(desk.jobs())
    line, agreement, company = line_of(desk)
    assert touch(desk, line, agreement, 81) == [204]
    (job,) = desk.jobs()[before:]
    assert job.subject == company
    # Further ones about the same company join the run that has not begun yet.
    assert touch(desk, line, agreement, 82) == [204]
    assert [one.id for one in desk.jobs()[before:]] == [job.id]
    desk.vendor.control.reset_requests()
    with desk.working():
        assert desk.wait(job.id).state == "complete"
    assert desk.lines()[line] == 82
    assert len(desk.vendor.asked("/additions")) <= 4, "one company, not all"


def test_forged_and_repeated_callbacks_start_nothing(desk):
    desk.read(mode="full")
    line, agreement, _ = line_of(desk)
    touch(desk, line, agreement, 83)
    before = len(desk.jobs())
    key, body, headers = desk.receiver.seen[-1]
    other = base64.b64encode(b"x" * 32).decode()
    foreign = json.dumps({**json.loads(body), "CompanyId": "somebody"}).encode()
    signed = desk.vendor.simulator.callbacks.sign(foreign)
    for sent, signature in (
        (body, other),
        (body, ""),
        (body.replace(b"updated", b"deleted"), headers["x-content-signature"]),
        (foreign, signed),
        (b"{", headers["x-content-signature"]),
    ):
        told = {**headers, "x-content-signature": signature}
        assert desk.receiver.post(key, sent, told).status == 403
    # The same one once more is answered as the first, and read no more.
    with desk.working():
        desk.wait(desk.jobs()[-1].id)
    assert desk.receiver.post(key, body, headers).status == 204
    assert len(desk.jobs()) == before


def test_a_key_from_elsewhere_is_not_fetched(desk):
    desk.read(mode="full")
    line, agreement, _ = line_of(desk)
    touch(desk, line, agreement, 84)
    before = len(desk.jobs())
    key, body, headers = desk.receiver.seen[-1]
    message = json.loads(body)
    message["Metadata"] = {"key_url": "https://attacker.example/callbacks/signingkey"}
    forged = json.dumps(message).encode()
    signature = desk.vendor.simulator.callbacks.sign(forged)
    told = {**headers, "x-content-signature": signature}
    assert desk.receiver.post(key, forged, told).status == 403
    assert len(desk.jobs()) == before
