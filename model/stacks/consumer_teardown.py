"""consumer-teardown: the consumer thread ends before its queue is destroyed.

To delete the semaphore is enough to end it. A consumer that waits is woken with B_BAD_SEM_ID, one
that is about to wait gets it at once, and one that comes with a packet finds ref_count 0 when it
looks again. Whoever enqueues after that finds a mutex that is whole; its packet is freed with the
queue. uninit_fifo deletes the semaphore again, which does nothing.
"""

from __future__ import annotations

from haiku_tuntap.model.drivers.tunnel import TUNNEL
from haiku_tuntap.model.kernel.device_interface import DeviceInterface
from haiku_tuntap.model.kernel.interface_life import Stack, destroy
from haiku_tuntap.model.kernel.interface_life import tear_down as original
from haiku_tuntap.model.kernel.net_fifo import uninit_fifo
from haiku_tuntap.model.language import procedure

CONSUMER_TEARDOWN_REPAIRED = TUNNEL.derive(
    "repair-consumer-teardown", "a delete lets the consumer thread end before it destroys its queue"
)


@CONSUMER_TEARDOWN_REPAIRED.replaces(original)
@procedure(source="stack/device_interfaces.cpp:403-414")
async def tear_down(stack: Stack, interface: DeviceInterface) -> None:
    """End the consumer thread, then destroy what it used."""
    await interface.receive_queue.notify.delete()
    if interface.consumer_thread is not None:
        await interface.consumer_thread.wait_for_exit()  # :404
    await uninit_fifo(interface.receive_queue)  # :403
    await destroy(stack, interface)  # :406-414
