"""``sentinel evaluate``: ours on data sets made by others, one command a data set."""

import typer

from sentinel.cli.evaluate_cards import cards
from sentinel.cli.evaluate_complaints import complaints
from sentinel.cli.evaluate_nab import nab
from sentinel.cli.evaluate_scenarios import scenarios

evaluate = typer.Typer(
    help="Measure detection on published data sets, by their protocols.", no_args_is_help=True
)
evaluate.command()(cards)
evaluate.command()(complaints)
evaluate.command()(nab)
evaluate.command()(scenarios)
