"""Finds schedule parameters by measurement: `sepconv tune`.

A layer's schedule has some 17 numbers (register tiles, strips, blocks). The tuner compiles candidates, checks their answers, times
them in turns with the best one so far, and writes the winner to the tuning records that the build reads. Read on in this order:
`search` (one layer), `campaign` (a list of them), `crew` (who compiles and measures), `database` (what is kept).
"""
