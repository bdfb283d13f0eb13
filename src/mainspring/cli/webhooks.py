"""``mainspring webhooks``: who is told of which acts."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from msgspec import UNSET

from mainspring.cli.options import AsJson, Limit, PageToken, Url, Yes, client, confirm
from mainspring.cli.output import Columns, moment, show, show_page
from mainspring.kit.errors import InvalidArgument

app = typer.Typer(help="Webhooks: other systems are told of what is done here.", no_args_is_help=True)
WebhookId = Annotated[str, typer.Argument(help="The webhook's id.")]
Events = Annotated[
    list[str], typer.Option("--event", help="Such as model_version.create or 'model_version.*'; may be repeated.")
]
Description = Annotated[str | None, typer.Option(help="Text for people.", show_default=False)]
SecretFromInput = Annotated[
    bool, typer.Option("--secret-stdin", help="Sign with the secret that is the first line of standard input.")
]
WEBHOOKS: Columns = (
    ("ID", lambda webhook: webhook.webhook_id),
    ("NAME", lambda webhook: webhook.name),
    ("STATUS", lambda webhook: webhook.status),
    ("URL", lambda webhook: webhook.url),
    ("EVENTS", lambda webhook: ", ".join(webhook.events)),
)
DELIVERIES: Columns = (
    ("ID", lambda delivery: delivery.delivery_id),
    ("MADE (UTC)", lambda delivery: moment(delivery.created_at)),
    ("EVENT", lambda delivery: delivery.event),
    ("STATE", lambda delivery: delivery.state),
    ("ATTEMPTS", lambda delivery: delivery.attempts),
    ("STATUS", lambda delivery: delivery.response_status or ""),
    ("MS", lambda delivery: "" if delivery.duration_ms is None else delivery.duration_ms),
    ("ERROR", lambda delivery: delivery.error or ""),
)


@app.command("list")
def list_webhooks(limit: Limit = 100, page_token: PageToken = None, as_json: AsJson = False, url: Url = None) -> None:
    """List webhooks, the newest first."""
    page = client(url).webhooks.list(page_size=limit).page(page_token)
    show_page(page, WEBHOOKS, as_json, "No webhooks. Make one: mainspring webhooks create NAME URL --event 'run.*'")


@app.command()
def get(webhook_id: WebhookId, as_json: AsJson = False, url: Url = None) -> None:
    """Show a webhook; its secret is never shown."""
    show(client(url).webhooks.get(webhook_id), as_json)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Letters, digits, dots, hyphens and underscores.")],
    address: Annotated[str, typer.Argument(help="URL that is sent to, https://host/path.")],
    event: Events,
    description: Description = None,
    format: Annotated[str, typer.Option(help="mainspring, or mlflow for MLflow's events.")] = "mainspring",
    secret_stdin: SecretFromInput = False,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Create a webhook."""
    if format not in ("mainspring", "mlflow"):
        raise InvalidArgument(f"--format is '{format}'; it must be mainspring or mlflow.", field="--format")
    secret = _secret() if secret_stdin else None
    made = client(url).webhooks.create(name, address, event, description=description, secret=secret, format=format)
    show(made, as_json)


@app.command()
def update(
    webhook_id: WebhookId,
    name: Annotated[str | None, typer.Option(show_default=False)] = None,
    address: Annotated[str | None, typer.Option(help="URL that is sent to.", show_default=False)] = None,
    event: Annotated[list[str] | None, typer.Option("--event", help="In place of all that it had.")] = None,
    description: Description = None,
    active: Annotated[bool | None, typer.Option("--active/--disabled", show_default=False)] = None,
    secret_stdin: SecretFromInput = False,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Change a webhook; one that is disabled is sent nothing of what waits."""
    changed = client(url).webhooks.update(
        webhook_id,
        name=UNSET if name is None else name,
        url=UNSET if address is None else address,
        events=event or UNSET,
        description=UNSET if description is None else description,
        secret=_secret() if secret_stdin else UNSET,
        status=UNSET if active is None else "ACTIVE" if active else "DISABLED",
    )
    show(changed, as_json)


@app.command()
def delete(webhook_id: WebhookId, yes: Yes = False, url: Url = None) -> None:
    """Delete a webhook with its deliveries."""
    confirm(f"Delete the webhook '{webhook_id}'?", yes)
    client(url).webhooks.delete(webhook_id)


@app.command("test")
def send_test(
    webhook_id: WebhookId,
    event: Annotated[str | None, typer.Option(help="Left out: its first.", show_default=False)] = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Send a webhook an example, and show what it answered."""
    show(client(url).webhooks.test(webhook_id, event), as_json)


@app.command()
def deliveries(
    webhook_id: WebhookId, limit: Limit = 100, page_token: PageToken = None, as_json: AsJson = False, url: Url = None
) -> None:
    """List what a webhook was sent, the newest first."""
    page = client(url).webhooks.deliveries(webhook_id, page_size=limit).page(page_token)
    show_page(page, DELIVERIES, as_json, "Nothing was sent yet.")


@app.command()
def redeliver(webhook_id: WebhookId, delivery_id: str, as_json: AsJson = False, url: Url = None) -> None:
    """Send a delivery again, under the id that it had."""
    show(client(url).webhooks.redeliver(webhook_id, delivery_id), as_json)


def _secret() -> str:
    """Read a secret: on the command line others would see it."""
    return sys.stdin.readline().rstrip("\n")
