"""What arrived, shown at the destination.

A start whose answer was lost is ours only if the destination shows its work. What is asked here is
asked of storage and engines; nothing here starts or stops an operation.
"""
