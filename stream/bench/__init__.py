"""Benchmarks: throughput, latency, CPU time, memory and energy of a bundle and of the service on this machine.

machine.py, conditions.py               the machine, and its state during the measurement: heat, throttling, other load
workload.py, statistics.py              tweets, their due times, percentiles
processor_time.py, energy.py            CPU time and memory per process, energy of the machine
worker.py, classifier.py                the classifier alone
broker.py, node.py, publisher.py, subscriber.py, rig.py     the parts of an end-to-end measurement
service.py, phases.py                   the service from MQTT in to MQTT out
peers.py, contenders.py, compare.py     other implementations, measured in turns with ours
growth.py                               cost against tweet length, queue length and cores
result.py, tables.py                    results as JSON and as tables

Each measured part is a child process that is controlled by lines of JSON (stream/processes/).
"""
