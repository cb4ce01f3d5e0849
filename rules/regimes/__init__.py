"""Regulatory regimes as data: criteria, classification and clocks that quote their articles. Advisory, not advice."""
