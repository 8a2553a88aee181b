"""What classifying costs in energy: amperes, watts, joules, joules per tweet, each with its standard error.

A source (meter.py: the Arduino, by way of link.py, frames.py and current.py; counters.py: the machine's own figures)
gives readings (reading.py); monitor.py keeps their account (energy.py, per_tweet.py, idle.py, zero.py); metrics.py and
announce.py show it. service.py is the task of it all.
"""
