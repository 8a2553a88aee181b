"""The paper's experiment on one device: a plan in, a file of results for each of its cells out.

A cell is one model at one precision, seed, number of threads and data set. Each runs in a process of its own
(worker.py), beside one that watches the machine (monitor.py); run.py keeps them in step, results.py is what comes out.
"""
