"""The ensemble graph, read from ONNX and run by a compiled kernel, with onnxruntime as the judge of the kernel.

``graph`` reads the file, ``layout`` lays its trees out for the walk, ``compiled`` is the walk, ``session`` runs the
same graph through onnxruntime, ``judge`` compares the two. ``foretick.quant.runner`` puts them together.
"""
