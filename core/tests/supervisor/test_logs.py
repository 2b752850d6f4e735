"""Log lines as JSON objects."""

from __future__ import annotations

import json
import logging
import sys

from entrepot.supervisor.logs import formatter


def test_line_is_one_json_object_with_what_was_added() -> None:
    record = logging.makeLogRecord(
        {"name": "entrepot.web", "levelname": "ERROR", "levelno": 40, "created": 0.5}
    )
    record.msg, record.args, record.trace_id = "failed for %s\nagain", ("Zoë",), "abc"
    try:
        raise ValueError("broken")
    except ValueError:
        record.exc_info = sys.exc_info()
    line = formatter(as_json=True).format(record)
    assert "\n" not in line
    found = json.loads(line)
    assert found["time"] == "1970-01-01T00:00:00.500+00:00"
    assert (found["level"], found["logger"]) == ("ERROR", "entrepot.web")
    assert found["message"] == "failed for Zoë\nagain"
    assert found["trace_id"] == "abc"
    assert "ValueError: broken" in found["exception"]
    assert "{" not in formatter(as_json=False).format(record)
