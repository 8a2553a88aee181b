"""The yardstick: how fast a bundle and the service are on this machine, what they cost, and whether to believe it.

machine.py, conditions.py               the machine, and what happened to it meanwhile: heat, throttling, others
workload.py, statistics.py              tweets, when they are due, percentiles
processor_time.py, energy.py            what each process used, what the machine drew
worker.py, classifier.py, macs.py       a model alone, and what its graph costs on any machine
broker.py, node.py, publisher.py, subscriber.py, rig.py     the parts from MQTT to MQTT
service.py, phases.py                   the service among them
peers.py, contenders.py, compare.py     others, in turns with us
growth.py                               cost as the work grows
result.py, tables.py                    what comes out
"""
