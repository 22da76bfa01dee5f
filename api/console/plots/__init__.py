"""Plots drawn by the server: arrays and words in, SVG out. Unknown is drawn, never left out.

The outer `svg` has no viewBox, so text keeps its size at 360 px; the inner one stretches with the page.
"""
