"""The yardstick: how fast a bundle and the service are on this machine, what they cost, and whether to believe it.

machine.py, conditions.py     the machine, and what happened to it meanwhile: heat, throttling, others at work
workload.py, statistics.py    tweets, when they are due, percentiles
child.py, processor_time.py   every part that is measured is a process of its own, asked over its stdin
worker.py, classifier.py      a bundle alone
broker.py, node.py, load.py, publisher.py, subscriber.py, rig.py, service.py    the service, from MQTT to MQTT
peers.py, compare.py          others beside us
growth.py                     tweets a second as work and cores grow
result.py, tables.py          what comes out
"""
