"""What a network driver stands on: Haiku's kernel, VFS and network stack, as far as it matters.

Bottom up: mutex, semaphore, atomic, signals; net_fifo, select; devfs, modules; descriptors,
system_calls, select_calls; kernel_thread, device_interface, interface_life, stack. `hooks` is where
a driver comes in, and `events` lists what the observers of properties can hear.
"""
