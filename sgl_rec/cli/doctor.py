"""``sgl-rec doctor``."""

from __future__ import annotations

import sys

import click

from sgl_rec.cli.options import common


@click.command(epilog="Example: sgl-rec doctor")
@common
def doctor() -> None:
    """Show versions, device, backends, data and disk; exit 1 if something needed is broken."""
    from sgl_rec.cli.show import table
    from sgl_rec.pipeline.doctor import examine

    findings = examine()
    rows = [[finding.subject, finding.state.ljust(0)] for finding in findings]
    width = max(len(row[1]) for row in rows)
    click.echo(table(["what", "state".ljust(width)], [[what, state.ljust(width)] for what, state in rows]))
    broken = [finding.subject for finding in findings if not finding.fine]
    if broken:
        click.echo(f"broken: {', '.join(broken)}", err=True)
        sys.exit(1)
