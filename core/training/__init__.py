"""The engine: fit, clocks, device and precision policy."""
