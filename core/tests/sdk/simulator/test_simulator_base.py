"""The simulator base over real connections: faults, control, quota, keep-alive."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pytest
import requests
from entrepot.sdk.simulator import (
    ControlClient,
    ControlError,
    Options,
    Quota,
    RunningSimulator,
    Simulator,
    Throttle,
    json_response,
)
from werkzeug.wrappers import Request, Response


class Counting(Simulator):
    """A vendor that sells numbers, ten a page."""

    name = "counting"
    quotas: ClassVar = {"test": {"all": Quota(limit=3, window=60)}}

    def __init__(self, options: Options | None = None) -> None:
        super().__init__(options)
        self.made = 0
        self.expired = False
        self.route("GET", "/numbers", self.numbers)
        self.route("POST", "/numbers", self.make)
        self.action("set", self.set_made)

    def set_made(self, value: int) -> dict[str, int]:
        """Pretend that `value` numbers were made."""
        if value < 0:
            raise ValueError("value: must not be negative")
        self.made = value
        return {"made": value}

    def numbers(self, request: Request) -> Response:
        start = self.shift_page(request, int(request.args.get("start", "0")), 10)
        return json_response({"items": list(range(start, start + 10))})

    def make(self, request: Request) -> Response:
        with self.lock:
            self.made += 1
            return json_response(
                {"made": self.made, "sent": request.get_data(as_text=True)}
            )

    def quota_keys(self, request: Request) -> list[tuple[str, str]]:
        return [("all", "")]

    def expire_tokens(self) -> None:
        self.expired = True

    def summary(self) -> dict[str, int]:
        return {"made": self.made}


@pytest.fixture
def counting() -> Iterator[RunningSimulator]:
    with Counting(
        Options(frozen=True, start=datetime(2026, 3, 1, tzinfo=UTC))
    ).running() as up:
        yield up


@pytest.fixture
def control(counting: RunningSimulator) -> ControlClient:
    return ControlClient(counting.base_url)


def items(url: str, **kwargs: object) -> list[int]:
    return requests.get(f"{url}/numbers", timeout=5, **kwargs).json()["items"]  # type: ignore[arg-type]


def test_one_connection_serves_many_requests(counting: RunningSimulator) -> None:
    with requests.Session() as session:
        for start in range(0, 50, 10):
            answer = session.get(
                f"{counting.base_url}/numbers?start={start}", timeout=5
            )
            assert answer.json()["items"][0] == start
            assert answer.headers["Connection"] == "keep-alive"
        pools = list(session.adapters["http://"].poolmanager.pools._container.values())
        assert [pool.num_connections for pool in pools] == [1]


def test_chunked_request_bodies_arrive_whole(counting: RunningSimulator) -> None:
    answer = requests.post(
        f"{counting.base_url}/numbers", data=iter([b"ab", b"cd"]), timeout=5
    )
    assert answer.json()["sent"] == "abcd"


@pytest.mark.parametrize("retry_after", [None, "7"])
def test_rate_limited_with_and_without_retry_after(
    counting: RunningSimulator, control: ControlClient, retry_after: str | None
) -> None:
    control.add_fault("rate_limited", path="/numbers", retry_after=retry_after)
    answer = requests.get(f"{counting.base_url}/numbers", timeout=5)
    assert answer.status_code == 429
    assert answer.headers.get("Retry-After") == retry_after
    assert items(counting.base_url)[0] == 0


@pytest.mark.parametrize("status", [500, 502, 503])
def test_status_fault_does_nothing_else(
    counting: RunningSimulator, control: ControlClient, status: int
) -> None:
    control.add_fault("status", method="POST", status=status)
    url = f"{counting.base_url}/numbers"
    assert requests.post(url, timeout=5).status_code == status
    assert control.state() == {"made": 0}


def test_reset_cuts_the_connection_before_the_work(
    counting: RunningSimulator, control: ControlClient
) -> None:
    control.add_fault("reset", method="POST")
    with pytest.raises(requests.ConnectionError, match="reset"):
        requests.post(f"{counting.base_url}/numbers", timeout=5)
    assert control.state() == {"made": 0}
    assert control.counters()["statuses"] == {"0": 1}


def test_timeout_after_commit_does_the_work_and_then_cuts(
    counting: RunningSimulator, control: ControlClient
) -> None:
    control.add_fault("timeout_after_commit", method="POST", seconds=0.05)
    with pytest.raises(requests.ConnectionError):
        requests.post(f"{counting.base_url}/numbers", timeout=5)
    assert control.state() == {"made": 1}


def test_timeout_after_commit_outlasts_an_impatient_client(
    counting: RunningSimulator, control: ControlClient
) -> None:
    control.add_fault("timeout_after_commit", method="POST", seconds=20)
    with pytest.raises(requests.ReadTimeout):
        requests.post(f"{counting.base_url}/numbers", timeout=1.5)
    assert control.state() == {"made": 1}


def test_truncated_body_is_shorter_than_announced(
    counting: RunningSimulator, control: ControlClient
) -> None:
    control.add_fault("truncated", path="/numbers")
    with pytest.raises(
        requests.exceptions.ChunkedEncodingError, match="IncompleteRead"
    ):
        items(counting.base_url)


def test_slow_body_takes_its_time_but_is_whole(
    counting: RunningSimulator, control: ControlClient
) -> None:
    control.add_fault("slow_body", path="/numbers", seconds=0.3)
    began = time.monotonic()
    assert len(items(counting.base_url)) == 10
    assert time.monotonic() - began >= 0.28


def test_latency_fault_delays_the_first_byte(
    counting: RunningSimulator, control: ControlClient
) -> None:
    control.add_fault("latency", seconds=3.0)
    with pytest.raises(requests.ReadTimeout):
        requests.get(f"{counting.base_url}/numbers", timeout=0.2)


def test_repeated_and_missing_pages_shift_the_window(
    counting: RunningSimulator, control: ControlClient
) -> None:
    control.add_fault("repeated_page", path="/numbers")
    assert items(counting.base_url, params={"start": 10})[0] == 0
    control.add_fault("missing_page", path="/numbers")
    assert items(counting.base_url, params={"start": 10})[0] == 20


def test_skip_and_count_choose_the_requests(
    counting: RunningSimulator, control: ControlClient
) -> None:
    control.add_fault("status", status=503, skip=1, count=2)
    url = f"{counting.base_url}/numbers"
    seen = [requests.get(url, timeout=5).status_code for _ in range(5)]
    assert seen == [200, 503, 503, 200, 200]
    [fault] = control.faults()
    assert (fault["matched"], fault["fired"]) == (3, 2)


def test_token_expiry_reaches_the_vendor(
    counting: RunningSimulator, control: ControlClient
) -> None:
    control.add_fault("token_expiry")
    items(counting.base_url)
    assert counting.simulator.expired is True  # type: ignore[attr-defined]


def test_faults_can_be_forgotten(
    counting: RunningSimulator, control: ControlClient
) -> None:
    first = control.add_fault("status", count=0)
    control.add_fault("reset", count=0)
    control.clear_faults(first)
    assert [f["kind"] for f in control.faults()] == ["reset"]
    control.clear_faults()
    assert len(items(counting.base_url)) == 10


def test_clock_stands_until_it_is_advanced(control: ControlClient) -> None:
    assert control.now() == datetime(2026, 3, 1, tzinfo=UTC)
    assert control.advance(timedelta(days=31)) == datetime(2026, 4, 1, tzinfo=UTC)
    running = control.set_clock(datetime(2027, 1, 1, tzinfo=UTC), frozen=False)
    assert running.year == 2027
    time.sleep(0.01)
    assert control.now() > running


def test_clock_does_not_go_back(control: ControlClient) -> None:
    with pytest.raises(ControlError, match="negative"):
        control.advance(timedelta(days=-1))


def test_actions_change_the_vendor(control: ControlClient) -> None:
    assert control.actions()["set"] == "Pretend that `value` numbers were made."
    assert control.act("set", value=9) == {"made": 9}
    assert control.state() == {"made": 9}


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("sell", {}, "no action is called 'sell'"),
        ("set", {"value": -1}, "value: must not be negative"),
        ("set", {"amount": 1}, "unexpected keyword argument 'amount'"),
    ],
)
def test_wrong_actions_say_what_is_wrong(
    control: ControlClient, name: str, arguments: dict[str, int], message: str
) -> None:
    with pytest.raises(ControlError, match=message):
        control.act(name, **arguments)


def test_unknown_fault_kind_is_refused(control: ControlClient) -> None:
    with pytest.raises(ControlError, match="unknown fault 'gremlin'"):
        control.add_fault("gremlin")


def test_control_token_is_wanted_when_set() -> None:
    with Counting(Options(control_token="s3cret")).running() as up:
        assert (
            requests.get(f"{up.base_url}/__control__/health", timeout=5).status_code
            == 401
        )
        assert ControlClient(up.base_url, "s3cret").health()["name"] == "counting"


def test_quota_refuses_with_the_vendors_body() -> None:
    with Counting(Options(quota="test")).running() as up:
        url = f"{up.base_url}/numbers"
        seen = [requests.get(url, timeout=5) for _ in range(4)]
        assert [answer.status_code for answer in seen] == [200, 200, 200, 429]
        assert 1 <= int(seen[-1].headers["Retry-After"]) <= 60
        assert ControlClient(up.base_url).counters()["refused_by_quota"] == 1


def test_window_slides_and_keys_are_apart() -> None:
    now = [100.0]
    throttle = Throttle({"all": Quota(limit=2, window=10)}, lambda: now[0])
    assert [throttle.take("all", "a") for _ in range(3)] == [None, None, 10.0]
    assert throttle.take("all", "b") is None
    assert throttle.take("other", "a") is None
    now[0] += 4
    assert throttle.take("all", "a") == 6.0
    now[0] += 6
    assert throttle.take("all", "a") is None


def test_refused_calls_may_count_as_well() -> None:
    now = [0.0]
    quota = Quota(limit=1, window=10, count_refused=True)
    throttle = Throttle({"all": quota}, lambda: now[0])
    assert throttle.take("all") is None
    now[0] = 9.0
    assert throttle.take("all") == 1.0
    now[0] = 11.0
    assert throttle.take("all") == 8.0, "the refused call used up the window"


def test_log_counts_routes_and_most_concurrent(
    counting: RunningSimulator, control: ControlClient
) -> None:
    control.add_fault("latency", seconds=1.5, count=0)
    threads = [
        threading.Thread(target=items, args=(counting.base_url,)) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counters = control.counters()
    assert counters["routes"] == {"GET /numbers": 3}
    assert counters["max_concurrent"] == 3
    assert counters["in_flight"] == 0
    assert control.requests()[-1]["faults"] == ["latency"]
    assert len(control.requests(2)) == 2
    assert control.requests(0) == []
    control.reset_requests()
    assert control.counters()["total"] == 0


def test_unknown_path_and_method_have_json_bodies(counting: RunningSimulator) -> None:
    assert requests.get(f"{counting.base_url}/letters", timeout=5).status_code == 404
    assert requests.put(f"{counting.base_url}/numbers", timeout=5).status_code == 405


def test_stopping_frees_port_and_threads() -> None:
    before = threading.active_count()
    simulator = Counting()
    server = simulator.serve(port=0)
    session = requests.Session()
    session.get(f"{server.base_url}/numbers", timeout=5)
    server.stop()
    with pytest.raises(requests.ConnectionError):
        session.get(f"{server.base_url}/numbers", timeout=5)
    session.close()
    deadline = time.monotonic() + 2
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() == before
