"""Correlation and lead-lag of many instruments from closed one-second bars: a fold, exact to the bit."""

from foretick.quant.correlation.alignment import Alignment
from foretick.quant.correlation.estimate import Estimate, PairEstimate, Reason
from foretick.quant.correlation.fold import CorrelationFold
from foretick.quant.correlation.terms import CorrelationTerms

__all__ = ["Alignment", "CorrelationFold", "CorrelationTerms", "Estimate", "PairEstimate", "Reason"]
