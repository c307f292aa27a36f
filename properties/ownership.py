"""Every buffer, cookie and descriptor is freed exactly once, and not used afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from haiku_tuntap.model.language import Thread
from haiku_tuntap.model.language.instances import Instance
from haiku_tuntap.model.language.records import FieldKind, fields_of
from haiku_tuntap.properties.explore.view import View
from haiku_tuntap.properties.property import Property


def leaks(view: View) -> Iterator[str]:
    """The records that are allocated and that nothing refers to, when no call is pending."""
    if any(thread.pending for thread in view.threads):
        return
    instances = view.layout.instances
    pooled = [i for i in instances.all if instances.is_pooled(i.cls) and i.parent is None]
    reachable = _reachable(view, pooled)
    for instance in pooled:
        if view.is_alive(instance) and instance.number not in reachable:
            yield f"{instance.name} is never freed"


def _reachable(view: View, pooled: list[Instance]) -> set[int]:
    """The numbers of the pooled records that can be reached from the others' fields."""
    instances = view.layout.instances
    numbers = {i.number for i in pooled}
    monitors = {id(m) for m in view.layout.system.monitors}
    pending = [
        i
        for i in instances.all
        if i.whole.number not in numbers
        and id(i.object) not in monitors
        and not isinstance(i.object, Thread)
        and not hasattr(i.object, "shadow_of")
    ]
    reachable: set[int] = set()
    while pending:
        instance = pending.pop()
        for name, field in fields_of(instance.cls).items():
            if field.kind is FieldKind.PART:
                continue
            for target in _references(view.value(instance.object, name)):
                found = instances.by_object.get(id(target))
                if found is not None and found.number in numbers - reachable:
                    reachable.add(found.number)
                    pending += [i for i in instances.all if i.whole is found]
    return reachable


def _references(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


OWNERSHIP = Property(
    id="ownership",
    title="Every buffer, cookie and descriptor is freed exactly once and not used afterwards.",
    statement="No step touches or frees a record that is not allocated; a path that does ends "
    "there, because nothing can be said of what follows. When no call is pending, every "
    "allocated record is reachable: a buffer from a queue, a descriptor from a slot, a cookie from "
    "its descriptor.",
    source="MEMORY-1, MEMORY-2, READ-8; tunnel.cpp:126-226; stack/utility.cpp:193-298",
    codes=frozenset({"memory"}),
    judge=leaks,
    witness=frozenset({"a record was freed"}),
)
