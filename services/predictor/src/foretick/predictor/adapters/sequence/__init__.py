"""A model of sequences of vectors: trained with torch, kept as one ONNX graph."""
