"""``sentinel test``: run the tests in the rule files through the engine."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sentinel.cli.failure import FAILED, UserError

if TYPE_CHECKING:
    from sentinel.replay.ruletests import Result


def test(
    configs: Annotated[
        Path | None, typer.Argument(help="A configuration folder; without it the shipped one.")
    ] = None,
    rule: Annotated[str | None, typer.Option(help="Only the tests of this rule.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The results as JSON.")] = False,
) -> None:
    """Run the tests of all rules; each rule is judged alone. Exit 1 if one fails."""
    from sentinel.replay.ruletests import read_tests, run_alone
    from sentinel.settings import read_configuration

    configuration = read_configuration(configs)
    tests = read_tests(configuration.rule_documents)
    if rule is not None:
        tests = [each for each in tests if each.rule_id == rule]
        if not tests:
            raise UserError(f'no tests of a rule "{rule}"')
    with typer.progressbar(tests, label="rule tests", file=sys.stderr) as bar:
        results = [run_alone(each, configuration) for each in bar]
    failed = [each for each in results if not each.passed]
    if as_json:
        typer.echo(json.dumps([_plain(each) for each in results]))
    for each in failed:
        typer.echo(f"{each.test.rule_id}: {each.test.name}: {_verdict(each)}", err=True)
    rules = len({each.test.rule_id for each in results})
    typer.echo(
        f"{rules} rules: {len(results) - len(failed)} passed, {len(failed)} failed", err=True
    )
    if failed:
        raise typer.Exit(FAILED)


def _expected(result: "Result") -> str:
    expected = result.test.expected
    if isinstance(expected, bool):
        return "it to fire" if expected else "quiet"
    return f"tier {expected}"


def _verdict(result: "Result") -> str:
    reached = f"highest tier {result.tier}" if result.tier else "no alert"
    values = {
        name: value
        for alert in result.alerts[-1:]
        for reason in alert.reasons
        for clause in reason.clauses
        for name, value in clause.values.items()
    }
    seen = ", ".join(f"{name} = {value}" for name, value in values.items())
    return f"expected {_expected(result)}; it fired {result.fired} times, {reached}" + (
        f"; last read {seen}" if seen else ""
    )


def _plain(result: "Result") -> dict[str, object]:
    return {
        "rule": result.test.rule_id,
        "test": result.test.name,
        "passed": result.passed,
        "fired": result.fired,
        "tier": result.tier,
    }
