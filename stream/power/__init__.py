"""Power consumption and energy per tweet: amperes, watts, joules, each with its standard error.

A source yields readings (reading.py): meter.py is the Arduino, read with link.py, frames.py and current.py; counters.py
are the machine's own counters. monitor.py accumulates the readings (energy.py, per_tweet.py, idle.py, zero.py);
metrics.py and announce.py publish the results. service.py is the task of the service that runs all of them.
"""
