"""simulator: a vendor or PSA on this machine, and ways to change what happens there."""

from __future__ import annotations

import json
import os
import signal
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import requests
import typer

from entrepot.cli.context import Cli, cli_of
from entrepot.cli.exits import MISSING, REFUSED, UNREACHABLE, CommandFailed
from entrepot.supervisor import watch_lifeline


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    simulator = typer.Typer(help="Simulated vendors.", no_args_is_help=True)
    simulator.command("run")(run)
    simulator.command("control")(control)
    app.add_typer(simulator, name="simulator")


def run(
    ctx: typer.Context,
    name: str,
    port: Annotated[int, typer.Option(help="0 takes a free one.")] = 0,
    seed: Annotated[int, typer.Option(help="Same seed, same vendor.")] = 1,
    customers: Annotated[int, typer.Option(help="How many to make up.")] = 200,
    subscriptions: Annotated[
        int, typer.Option(help="How many in all; 0: about 7.5 per customer.")
    ] = 0,
    quota: Annotated[str, typer.Option(help="real, test or none.")] = "none",
    latency_ms: Annotated[float, typer.Option(help="Pause before answers.")] = 0,
    seed_file: Annotated[
        Path | None, typer.Option(help="Plant what another simulator exported.")
    ] = None,
    extra: Annotated[
        list[str] | None, typer.Option(help="key=value; this simulator's own switches.")
    ] = None,
    control_token: Annotated[str, typer.Option(help="Guards the control.")] = "",
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing.")] = False,
) -> None:
    """Serve a simulator until Ctrl-C."""
    from entrepot.sdk.simulator import Options, run_simulator

    cli = cli_of(ctx)
    options = Options(
        seed=seed,
        customers=customers,
        subscriptions=subscriptions or None,
        quota=_quota(quota),  # type: ignore[arg-type]  # checked just there
        latency_ms=latency_ms,
        port=port,
        seed_file=seed_file,
        control_token=control_token or None,
        extra=dict(_pair(one) for one in extra or []),
    )
    # Under a supervisor (the demo's) it ends when that is gone, however it went.
    watch_lifeline(lambda: os.kill(os.getpid(), signal.SIGTERM))
    try:
        run_simulator(
            name,
            options,
            on_ready=lambda _sim, server: (
                None if quiet else _ready(cli, server.base_url)
            ),
        )
    except LookupError as error:
        raise CommandFailed(MISSING, str(error)) from error


def _ready(cli: Cli, base_url: str) -> None:
    cli.emit(
        {"base_url": base_url},
        lambda console: console.print(f"Listening on {base_url}. Stop with Ctrl-C."),
    )


def _quota(text: str) -> str:
    if text not in ("real", "test", "none"):
        msg = "--quota is real, test or none."
        raise typer.BadParameter(msg)
    return text


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        msg = f"--extra takes key=value, not {text!r}."
        raise typer.BadParameter(msg)
    return key, value


def control(
    ctx: typer.Context,
    address: Annotated[str, typer.Argument(help="Where the simulator listens.")],
    action: Annotated[
        str,
        typer.Argument(help="state, actions, advance, fault, clear, or an action."),
    ] = "state",
    arguments: Annotated[
        list[str] | None, typer.Argument(help="key=value; values may be JSON.")
    ] = None,
    token: Annotated[str, typer.Option(help="Control token.")] = "",
) -> None:
    """Look into a simulator, play events at it, or make it fail."""
    from entrepot.sdk.simulator import ControlClient, ControlError

    cli = cli_of(ctx)
    client = ControlClient(address, token or None)
    values = {key: _value(text) for key, text in map(_pair, arguments or [])}
    try:
        cli.emit(_control(client, action, values))
    except ControlError as error:
        raise CommandFailed(REFUSED, str(error)) from error
    except requests.RequestException as error:
        raise CommandFailed(
            UNREACHABLE,
            f"No simulator answers at {address}.",
            "Start one: entrepot simulator run NAME --port PORT",
            "simulator_unreachable",
        ) from error


def _control(client: object, action: str, values: dict[str, object]) -> object:
    from entrepot.sdk.simulator import ControlClient

    if not isinstance(client, ControlClient):
        msg = "a control client is needed"
        raise TypeError(msg)
    if action == "state":
        return client.state()
    if action == "actions":
        return client.actions()
    if action == "advance":
        step = timedelta(**{k: float(str(v)) for k, v in values.items()})
        return {"now": client.advance(step)}
    if action == "fault":
        if "kind" not in values:
            msg = "fault takes kind=…, e.g. kind=status status=500."
            raise typer.BadParameter(msg)
        kind = str(values.pop("kind"))
        return {"id": client.add_fault(kind, **values)}
    if action == "clear":
        client.clear_faults()
        return {"faults": client.faults()}
    return client.act(action, **values)


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text
