"""Showing a trace again, from its token.

A token is `driver/scenario/property/fingerprint/schedule`: everything that the run depends on. The
fingerprint is of the driver's text as it was compiled; if the text has changed since, the schedule
means nothing any more, and that is said.
"""

from __future__ import annotations

from collections.abc import Callable

from haiku_tuntap.model.drivers.driver import Driver
from haiku_tuntap.model.scenarios import SCENARIOS
from haiku_tuntap.properties.catalogue import PROPERTIES
from haiku_tuntap.properties.check import build
from haiku_tuntap.properties.explore import schedule
from haiku_tuntap.properties.explore.schedule import able_to_move
from haiku_tuntap.properties.explore.search import Model
from haiku_tuntap.properties.explore.view import View
from haiku_tuntap.properties.loading import InputError
from haiku_tuntap.properties.property import Property
from haiku_tuntap.properties.trace import Teller, fingerprint
from haiku_tuntap.properties.verdict import Result, Verdict


def replay(token: str, load: Callable[[str], Driver]) -> Result:
    """The refutation that a token stands for.

    Raises InputError if the token is none, or no longer fits the driver's text.
    """
    name, scenario_name, property_id, mark, word = _fields(token)
    driver = load(name)
    if scenario_name not in SCENARIOS:
        raise InputError(f"{token}: there is no scenario {scenario_name}; see `tuntap list`")
    if property_id not in PROPERTIES:
        raise InputError(f"{token}: there is no property {property_id}; see `tuntap list`")
    try:
        moves = schedule.read(word)
    except ValueError:
        raise InputError(f"{token}: {word} is no schedule; copy the whole token") from None
    scenario, prop = SCENARIOS[scenario_name], PROPERTIES[property_id]
    model = build(driver, scenario, list(PROPERTIES.values()), reduced=False)
    if fingerprint(model) != mark:
        raise InputError(
            f"{token}: the text of {name}, of the scenario or of the kernel has changed since this "
            "trace was found; run `tuntap check` again"
        )
    if any(thread >= len(model.layout.graphs) for thread, _ in moves):
        raise InputError(f"{token}: {scenario_name} has no such thread; copy the whole token")
    teller = Teller(model, moves)
    reason, stuck = _judged(token, model, teller, prop)
    head = f"{name}/{scenario_name}/{property_id}"
    trace = teller.tell(reason, stuck=stuck, shortest=None, token_head=head)
    return Result(
        driver=driver.name,
        scenario=scenario.name,
        property=prop.id,
        verdict=Verdict.REFUTED,
        states=len(teller.states),
        depth=len(moves),
        seconds=0.0,
        bounds=scenario.bounds,
        reason=reason,
        trace=trace,
    )


def _fields(token: str) -> list[str]:
    fields = token.strip().rsplit("/", 4)
    if len(fields) != 5:
        raise InputError(
            f"{token}: a token is driver/scenario/property/fingerprint/schedule; copy one"
        )
    return fields


def _judged(token: str, model: Model, teller: Teller, prop: Property) -> tuple[str, bool]:
    """Why the run violates the property, and whether its last state does."""
    if teller.complete:
        for text in teller.reports(prop.codes):
            return text, False
        if not able_to_move(model, teller.states[-1]):
            for reason in prop.violations(View(model.layout, teller.states[-1])):
                return reason, True
    raise InputError(f"{token}: this run does not violate {prop.id}; copy the whole token")
