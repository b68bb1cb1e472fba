"""``sentinel evaluate``: measure our detection, one command for each protocol."""

import typer

from sentinel.cli.evaluate_cards import cards
from sentinel.cli.evaluate_complaints import complaints
from sentinel.cli.evaluate_nab import nab
from sentinel.cli.evaluate_scenarios import scenarios

evaluate = typer.Typer(
    help="Measure detection on published data sets and on simulated fraud.", no_args_is_help=True
)
evaluate.command()(cards)
evaluate.command()(complaints)
evaluate.command()(nab)
evaluate.command()(scenarios)
