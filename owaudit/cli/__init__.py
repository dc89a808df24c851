"""The command line: one module per command, wiring and exit codes only."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from typing import Any

import click

from owaudit import __version__
from owaudit.cli.codes import COULD_NOT_RUN, INTERRUPTED
from owaudit.errors import OwauditError

_COMMANDS = {
    "scan": "scan",
    "gate": "gate",
    "explain": "explain",
    "verify": "verify",
    "lock": "lock",
    "attest": "attest",
    "collect": "collect",
    "judge": "judge",
    "report": "report",
    "diff": "diff",
    "rules": "rules",
    "policy": "policy",
    "schema": "schema",
    "trust": "trust",
    "conformance": "conformance",
    "demo": "demo",
    "doctor": "doctor",
}


class _Commands(click.Group):
    """Commands are imported when they are used, so that starting stays light; errors meant for
    people end with exit code 2 and one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        module = _COMMANDS.get(cmd_name)
        if module is None:
            return None
        command: click.Command = importlib.import_module(f"owaudit.cli.{module}").command
        return command

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run, and turn what went wrong into words and an exit code."""
        standalone = kwargs.pop("standalone_mode", True)
        run: Callable[..., Any] = super().main
        try:
            outcome = run(*args, standalone_mode=False, **kwargs)
            code = outcome if isinstance(outcome, int) else 0
        except click.exceptions.Exit as stop:
            code = stop.exit_code
        except click.ClickException as error:
            error.show()
            code = COULD_NOT_RUN
        except (click.Abort, KeyboardInterrupt):
            click.echo("owaudit: interrupted; nothing was written", err=True)
            code = INTERRUPTED
        except BrokenPipeError:
            # Whoever read our output has gone: nothing can be said any more, so say nothing.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = COULD_NOT_RUN
        except OwauditError as error:
            click.echo(f"owaudit: {error}", err=True)
            code = COULD_NOT_RUN
        except OSError as error:
            click.echo(f"owaudit: {error.filename or 'input or output'}: {error.strerror or error}", err=True)
            code = COULD_NOT_RUN
        except Exception as error:
            click.echo(f"owaudit: internal error, {type(error).__name__} {_where(error)}", err=True)
            click.echo("owaudit: this is a fault of owaudit, please report it; nothing was written", err=True)
            if os.environ.get("OWAUDIT_DEBUG"):
                raise
            code = COULD_NOT_RUN
        if standalone:
            sys.exit(code)
        return code


def _where(error: Exception) -> str:
    """The innermost line of our own code: no value of a scanned file."""
    where = "somewhere"
    trace = error.__traceback__
    while trace is not None:
        where = f"in {os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}"
        trace = trace.tb_next
    return where


@click.command(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 pass, 1 fail, 2 could not run, 3 inconclusive, 130 interrupted.",
)
@click.version_option(__version__, prog_name="owaudit")
def main() -> None:
    """Audit open-weight model files without loading them.

    \b
    Examples:
      owaudit scan ./model                      verdict on a folder, as text
      owaudit scan ./model -o report.html       and a page for a reviewer
      owaudit explain pytorch_model.bin         what loading this file would do
      owaudit demo                              see it work on samples
    """
