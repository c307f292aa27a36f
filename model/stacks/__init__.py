"""The network stack repaired: what goes wrong around a driver, and is not the driver's to mend.

Each module takes one defect out of the stack; stack_repaired.py has them all, below the repaired
driver. They are drivers in the sense of model/drivers/driver.py, since a driver may replace the
procedures of the kernel, too; but they replace nothing of tunnel's own.
"""
