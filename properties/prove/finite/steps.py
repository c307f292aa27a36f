"""What a step does in a state that is not known: all ways through it, each under its condition.

The counterpart of explore/write_step.py, which writes the same as Python for known states. A step
has several *endings* (each leads to a location), and reports violations on the way. Under no
ending's condition the step cannot be taken, or a fatal report ended its path.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import Factory, define, field, frozen

from haiku_tuntap.model.language.graph import (
    LIFE,
    Assign,
    Branch,
    CheckAlive,
    ForEach,
    Goto,
    Instr,
    Life,
    Location,
    LocationKind,
    Reach,
    Retry,
    Step,
    Store,
    Violation,
    Wake,
)
from haiku_tuntap.properties.explore.joins import Joins
from haiku_tuntap.properties.explore.layout import Layout
from haiku_tuntap.properties.explore.write_step import Report
from haiku_tuntap.properties.prove.finite.conditions import Condition, Conditions, Table
from haiku_tuntap.properties.prove.finite.expressions import Evaluator, Path


@frozen(eq=False)
class Ending:
    """One way in which a step can end: where the thread is then, and the slots that changed."""

    condition: Condition
    location: Location
    changes: dict[int, Table]


@define(eq=False)
class Effect:
    """Everything that a step may do. `misfits` are conditions under which a value is missing."""

    endings: list[Ending] = Factory(list)
    reports: list[tuple[Condition, Report]] = Factory(list)
    marks: list[tuple[Condition, str]] = Factory(list)
    misfits: list[Condition] = Factory(list)


@define(eq=False)
class Stepping:
    """Finds out what the step of a thread at a location does, if it stands there under `here`."""

    layout: Layout
    conditions: Conditions
    thread: int
    location: Location
    read: Callable[[int], Table]
    joins: Joins
    effect: Effect = Factory(Effect)
    evaluator: Evaluator = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.evaluator = Evaluator(
            self.layout, self.conditions, self.thread, self.read, self.effect.misfits
        )

    def take(self, step: Step, here: Condition) -> Effect:
        """What the step does."""
        self._run(step.entry, Path(here), None)
        return self.effect

    def _run(self, instr: Instr | None, path: Path, stop: Instr | None) -> Path | None:
        """Go on from `instr` up to `stop`; None if no way leads there."""
        while instr is not stop and instr is not None:
            following = instr.next
            match instr:
                case Goto(location=location):
                    self._goto(location, path)
                    return None
                case Retry():
                    return None
                case Branch():
                    join = self.joins.of(instr)
                    following = join if join is not None else stop
                    met = self._branch(instr, path, following)
                    if met is None:
                        return None
                    path = met
                case Assign(var=var, expr=expr):
                    path.locals[var] = self.evaluator.value(expr, path)
                    path.assigned.add(var)
                case Store():
                    self._store(instr, path)
                case Wake():
                    self._wake(instr, path)
                case ForEach():
                    path = self._for_each(instr, path)
                case CheckAlive():
                    self._check_alive(instr, path)
                case Violation(code=code, text=text, fatal=fatal):
                    self._report(Report(code, text, instr.where, fatal), path.condition)
                    if fatal:
                        return None
                case Reach(mark=mark):
                    self.effect.marks.append((path.condition, mark))
            if path.condition is False:
                return None
            instr = following
        return path

    # --- ways that part and meet ----------------------------------------------------------------

    def _branch(self, instr: Branch, path: Path, join: Instr | None) -> Path | None:
        test = self.evaluator.truth(instr.test, path)
        sides = []
        for chosen, start in ((test, instr.next), (self.conditions.negated(test), instr.otherwise)):
            condition = self.conditions.every(path.condition, chosen)
            side = None
            if condition is not False:
                side = self._run(start, path.copy(condition), join)
            sides.append(side)
        yes, no = sides
        if yes is None or no is None:
            return yes or no
        return self._met(test, yes, no)

    def _met(self, test: Condition, yes: Path, no: Path) -> Path:
        """The way on from where two ways meet: `yes` was gone where the test holds."""
        conditions = self.conditions
        met = Path(conditions.some([yes.condition, no.condition]))
        met.assigned = yes.assigned | no.assigned
        for var in {**yes.locals, **no.locals}:
            ours, theirs = self.evaluator.local(var, yes), self.evaluator.local(var, no)
            met.locals[var] = conditions.chosen(test, ours, theirs)
        for slot in {**yes.slots, **no.slots}:
            ours, theirs = self.evaluator.slot(slot, yes), self.evaluator.slot(slot, no)
            met.slots[slot] = conditions.chosen(test, ours, theirs)
        return met

    def _for_each(self, instr: ForEach, path: Path) -> Path:
        """The loop, unrolled: its body once for every place in the longest sequence."""
        sequence = self.evaluator.value(instr.sequence, path)
        longest = max((len(value) for value in sequence if isinstance(value, tuple)), default=0)
        for place in range(longest):
            there = {
                value: condition
                for value, condition in sequence.items()
                if isinstance(value, tuple) and len(value) > place
            }
            goes_on = self.conditions.some(there.values())
            inside = path.copy(self.conditions.every(path.condition, goes_on))
            inside.locals[instr.var] = self.conditions.gathered(
                (value[place], condition) for value, condition in there.items()
            )
            outside = path.copy(
                self.conditions.every(path.condition, self.conditions.negated(goes_on))
            )
            after = self._run(instr.body, inside, None)
            path = outside if after is None else self._met(goes_on, after, outside)
        return path

    # --- single instructions --------------------------------------------------------------------

    def _store(self, instr: Store, path: Path) -> None:
        slots = self.evaluator.slots_of(instr.ref, instr.cls, instr.name)
        if not slots:
            return  # a field that never changes
        value = self.evaluator.value(instr.expr, path)
        for number, condition in self.evaluator.value(instr.ref, path).items():
            if number in slots:
                before = self.evaluator.slot(slots[number], path)
                path.slots[slots[number]] = self.conditions.chosen(condition, value, before)
            else:
                self.evaluator.misfit(path, condition)

    def _wake(self, instr: Wake, path: Path) -> None:
        layout, conditions = self.layout, self.conditions
        result = self.evaluator.value(instr.result, path)
        numbers = {
            layout.instances.number(spec.thread): index
            for index, spec in enumerate(layout.system.threads)
        }
        woken: list[tuple[int, Condition, Table]] = []
        for number, condition in self.evaluator.value(instr.thread, path).items():
            if number not in numbers:
                self.evaluator.misfit(path, condition)
                continue
            index = numbers[number]
            at = self.evaluator.slot(layout.blocks[index].first, path)
            asleep = {
                place: has
                for place, has in at.items()
                if layout.graphs[index].locations[place].kind is LocationKind.BLOCKED
            }
            woken.append((index, condition, asleep))
        sleeps = conditions.some(
            conditions.every(condition, conditions.some(asleep.values()))
            for _, condition, asleep in woken
        )
        report = Report("assertion", "a thread is woken that does not sleep", instr.where, True)
        self._go_on_if(sleeps, report, path)
        for index, condition, asleep in woken:
            block = layout.blocks[index]
            after = {
                block.result: result,
                block.first: {place + 1: has for place, has in asleep.items()},
            }
            for slot, table in after.items():
                before = self.evaluator.slot(slot, path)
                path.slots[slot] = conditions.chosen(condition, table, before)

    def _check_alive(self, instr: CheckAlive, path: Path) -> None:
        text = f"{instr.access} of a record that is not allocated"
        report = Report("memory", text, instr.where, True)
        conditions, ref = self.conditions, instr.ref
        records = self.evaluator.value(ref, path)
        there = conditions.negated(records.get(0, False))
        if self.evaluator.slots_of(ref, instr.cls, LIFE):
            there = conditions.some(
                conditions.every(
                    condition,
                    self.evaluator.cell((number, LIFE), path).get(int(Life.ALIVE), False),
                )
                for number, condition in records.items()
                if number
            )
        self._go_on_if(there, report, path)

    def _go_on_if(self, condition: Condition, report: Report, path: Path) -> None:
        """End the path with a report unless the condition holds."""
        self._report(
            report, self.conditions.every(path.condition, self.conditions.negated(condition))
        )
        path.condition = self.conditions.every(path.condition, condition)

    def _report(self, report: Report, condition: Condition) -> None:
        if condition is not False:
            self.effect.reports.append((condition, report))

    def _goto(self, location: Location, path: Path) -> None:
        """End the step: write back what is alive there, and clear what is not any more."""
        block = self.layout.blocks[self.thread]
        changes = dict(path.slots)
        changes[block.first] = {location.number: True}
        kept = {block.locals[var] for var in location.live}
        for var in location.live & path.assigned:
            changes[block.locals[var]] = path.locals[var]
        stale = {block.locals[var] for var in self.location.live}
        if self.location.kind is LocationKind.RESUMED and block.result != block.first:
            stale.add(block.result)
        for slot in stale - kept:
            changes[slot] = {0: True}
        self.effect.endings.append(Ending(path.condition, location, changes))
