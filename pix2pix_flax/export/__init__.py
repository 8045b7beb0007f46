"""Exports generators to files for other runtimes: ONNX and StableHLO."""
