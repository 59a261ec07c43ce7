"""Finds schedule parameters by measurement: `sepconv tune`.

A layer's schedule has 18 numbers (register tiles, strips, blocks). The tuner compiles candidates, checks their answers, times
them in turns with the best one so far, and writes the winner to the tuning records that the build reads. Read on in this order:
`tasks` (what there is to tune), `search` and `race` (one task), `studies` (all of them), `workers` (who compiles and measures),
`database` (what is kept). `library` asks the library itself which variant it takes for a layer.
"""
