"""The paper's experiment on one device: a plan in, a file of results per run out.

A run is one model at one precision, seed, number of threads and data set. Each runs in a process of its own (worker.py)
while a second process samples the machine (monitor.py). run.py controls both; results.py defines what is written.
"""
