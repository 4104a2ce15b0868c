"""What a stream does in every fault of a camera or its network, measured: ``make faults``."""
