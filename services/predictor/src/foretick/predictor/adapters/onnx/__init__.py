"""Members in and out of ONNX: their trees to the bit, one graph of all, the check that it agrees, the served model."""
