"""The outside things: ONNX, the Object Store, the learning libraries, the simulated market, the streams."""
