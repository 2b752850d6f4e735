"""dlt's rest_api source into PostgreSQL, merge by key; runs in dlt's own environment.

``python dlt_load.py VENDOR_URL PG_URL WORKDIR``; prints wall and CPU as JSON.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time


def main(vendor: str, postgres: str, folder: str) -> None:
    """One load with dlt's documented defaults."""
    os.environ["DLT_DATA_DIR"] = folder
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    import dlt
    from dlt.sources.rest_api import rest_api_source

    source = rest_api_source(
        {
            "client": {
                "base_url": vendor,
                "paginator": {
                    "type": "offset",
                    "limit": 1000,
                    "offset_param": "skip",
                    "limit_param": "top",
                    "total_path": "total",
                },
            },
            "resources": [
                {
                    "name": "subscriptions",
                    "primary_key": "id",
                    "write_disposition": {"disposition": "merge", "strategy": "upsert"},
                    "endpoint": {"path": "subscriptions", "data_selector": "items"},
                }
            ],
        }
    )
    pipeline = dlt.pipeline(
        pipeline_name="bench",
        pipelines_dir=folder,
        destination=dlt.destinations.postgres(postgres),
        dataset_name="peer_dlt",
    )
    began, used = time.perf_counter(), time.process_time()
    pipeline.run(source)
    wall, own = time.perf_counter() - began, time.process_time() - used
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    own += children.ru_utime + children.ru_stime
    version = dlt.__version__
    print(json.dumps({"wall": wall, "own": own, "version": version}))


if __name__ == "__main__":
    main(*sys.argv[1:])
