"""Modules: how long a driver's code stays loaded.

The stack holds one reference to the driver's module for each device. With the last one the image
is unloaded, with its code and its static data, unless the module says B_KEEP_LOADED
(kernel/module.cpp:2262-2281). Nobody else holds a reference: neither devfs for the hooks that it
has, nor a descriptor for those that it will call.
"""

from __future__ import annotations

from haiku_tuntap.model.kernel.devfs import DriverImage
from haiku_tuntap.model.kernel.events import module_loaded, module_unloaded
from haiku_tuntap.model.kernel.mutex import Mutex
from haiku_tuntap.model.language import final, guarded_by, part, procedure, record


@record
class Module:
    """The driver's module and its image. `lock` is sModulesLock (recursive in the source)."""

    driver: DriverImage = final()
    lock: Mutex = part(factory=Mutex)
    references: int = guarded_by("lock", default=0)


@procedure(source="kernel/module.cpp:2180-2238")
async def get_module(module: Module) -> None:
    """Take a reference; the first one loads the image. (That it cannot be loaded is left out.)"""
    async with module.lock:  # :2191
        if module.references == 0:  # :2216
            module_loaded(module)  # :2198
        module.references += 1  # :2227


@procedure(source="kernel/module.cpp:2242-2285")
async def put_module(module: Module) -> None:
    """Drop a reference; the last one unloads the image."""
    async with module.lock:  # :2248
        module.references -= 1  # :2262
        if module.references == 0 and not module.driver.keep_loaded:  # :2262-2263
            module_unloaded(module)  # :2275
