"""One device: how much of it is used, where work waits, what goes wrong (USE), and what it draws."""

from grafana.source.board import board
from grafana.source.panels import PER_SECOND, Limits, Panel, graph, name, number, states
from grafana.source.promql import Query, chosen, growth, mean, quantiles, rate

_HOT = Limits(caution=70, bad=80)
_BUSY = Limits(caution=0.8, bad=0.95)
_ALL_CPU = rate("starling_system_cpu_seconds_total", by="instance")
"""Seconds that all cores together spend in a second: how many there are."""


def device() -> str:
    """The dashboard's JSON."""
    return board(
        "device",
        "One node, or a few beside each other: the machine, its power, and every place where a tweet can wait.",
        {
            "Now": _now(),
            "Machine": _machine(),
            "Power": _power(),
            "A tweet's way": _way(),
            "Batcher": _batcher(),
            "Broker and event loop": _broker_and_loop(),
        },
    )


def _now() -> list[Panel]:
    joules = chosen("starling_energy_joules_per_tweet", 'share="all"')
    return [
        number(
            "Ready",
            "Whether a tweet would be labelled; of several nodes, the worst.",
            "bool_yes_no",
            Query(f"min({chosen('starling_ready')})"),
            limits=Limits(caution=1, bad=0.5),
        ),
        name(
            "Model",
            "Name, precision and the beginning of the hash of the model that labels.",
            Query(f"count by (model) ({chosen('instance_model:starling_model:info')})", "{{model}}"),
        ),
        name(
            "Release",
            "The software's version.",
            Query(f"count by (version) ({chosen('starling_build_info')})", "{{version}}"),
        ),
        number(
            "Temperature",
            "Of the hottest sensor.",
            "celsius",
            Query(f"max({chosen('starling_system_temperature_celsius')})"),
            limits=_HOT,
        ),
        number(
            "Power",
            "What all the chosen nodes that have a meter draw.",
            "watt",
            Query(f"sum({chosen('starling_power_watts')})"),
        ),
        number(
            "Energy a tweet",
            "All that is drawn, idle or not, for each label; of several nodes, the mean.",
            "joule",
            Query(f"avg({joules})"),
        ),
    ]


def _machine() -> list[Panel]:
    idle = rate("starling_system_cpu_seconds_total", by="instance", where='mode=~"idle|iowait"')
    own = rate("process_cpu_seconds_total", by="instance", where='job="starling"')
    available, total = (chosen("starling_system_memory_bytes", f'state="{state}"') for state in ("available", "total"))
    return [
        graph(
            "CPU",
            "Use: the share of all cores' time that is not idle; and the service's own share.",
            "percentunit",
            Query(f"1 - {idle} / {_ALL_CPU}", "{{instance}}"),
            Query(f"{own} / {_ALL_CPU}", "{{instance}} starling"),
            limits=_BUSY,
        ),
        graph(
            "Load",
            "Saturation: programs that run or want to, for each core. Above 1, some wait.",
            "short",
            Query(f"sum by (instance) ({chosen('starling_system_load1')}) / {_ALL_CPU}", "{{instance}}"),
            limits=Limits(caution=1, bad=2),
        ),
        graph(
            "Memory used",
            "The share of the machine's memory that is not available to programs.",
            "percentunit",
            Query(f"1 - sum by (instance) ({available}) / sum by (instance) ({total})", "{{instance}}"),
            limits=_BUSY,
        ),
        graph(
            "The service's memory",
            "Resident memory of the service alone. It should be level.",
            "bytes",
            Query(chosen("process_resident_memory_bytes", 'job="starling"'), "{{instance}}"),
        ),
        graph(
            "Temperature",
            "Each sensor. A Raspberry Pi slows down from 80 °C on.",
            "celsius",
            Query(chosen("starling_system_temperature_celsius"), "{{instance}} {{sensor}}"),
            limits=_HOT,
        ),
        graph(
            "Frequency",
            "Of the cores, on average. It falls where the firmware holds back.",
            "hertz",
            Query(chosen("starling_system_cpu_frequency_hertz"), "{{instance}}"),
        ),
        states(
            "Held back by the firmware",
            "Why the firmware slows the machine down. Under-voltage means a weak supply or cable, the others mean "
            "heat. Raspberry Pis alone tell this.",
            {0: "free", 1: "held back"},
            Query(f"max by (instance, reason) ({chosen('starling_system_throttled')})", "{{instance}} {{reason}}"),
        ),
    ]


def _power() -> list[Panel]:
    rejected = rate("starling_power_frames_rejected_total", by="instance")
    return [
        graph(
            "Power",
            "What the device draws, with the standard error of that; and what it draws with no tweet in hand.",
            "watt",
            Query(chosen("starling_power_watts"), "{{instance}}"),
            Query(chosen("starling_power_standard_error_watts"), "{{instance}} standard error"),
            Query(chosen("starling_power_idle_watts"), "{{instance}} idle"),
        ),
        graph(
            "Energy a tweet",
            "All that was drawn for each label, and what was drawn above idle. Few tweets make it dear: they share the "
            "idling among them.",
            "joule",
            Query(chosen("starling_energy_joules_per_tweet"), "{{instance}} {{share}}"),
        ),
        graph(
            "Readings lost",
            "Frames of the meter that never came, and lines that could not be read.",
            PER_SECOND,
            Query(rate("starling_power_frames_lost_total", by="instance"), "{{instance}} lost"),
            Query(rejected, "{{instance}} unreadable"),
        ),
        states(
            "Meter",
            "Whether the meter, or the machine's own counter, gives readings.",
            {0: "not there", 1: "there"},
            Query(chosen("starling_power_meter_up"), "{{instance}} {{source}}"),
        ),
    ]


def _way() -> list[Panel]:
    return [
        graph(
            "Stages, p99",
            "Reading, waiting for an interpreter, inference, and the broker's confirmation: where a tweet's time goes.",
            "s",
            *quantiles("starling_stage_seconds", "stage", of=[0.99]),
        ),
        graph(
            "Latency",
            "From a tweet's arrival to its acknowledgement.",
            "s",
            *quantiles("starling_tweet_seconds", "instance"),
        ),
        graph(
            "Tweets in and done",
            "Taken from the broker, labelled, rejected; and sent again by the broker after a lost connection.",
            PER_SECOND,
            Query(rate("starling_tweets_received_total"), "in"),
            Query(rate("starling_tweets_classified_total"), "labelled"),
            Query(rate("starling_tweets_rejected_total"), "rejected"),
            Query(rate("starling_tweets_redelivered_total"), "sent again"),
        ),
        graph(
            "In hand",
            "Tweets taken and not yet acknowledged, and how many there may be at most.",
            "short",
            Query(chosen("starling_tweets_in_progress"), "{{instance}}"),
            Query(chosen("starling_window_tweets"), "{{instance}} at most"),
        ),
    ]


def _batcher() -> list[Panel]:
    return [
        graph(
            "Why batches left",
            "emptied: no more tweets of that length waited; shared: the rest was left to other free interpreters; "
            "full: more waited than a batch may hold.",
            PER_SECOND,
            Query(rate("starling_batches_total", by="reason"), "{{reason}}"),
            stacked=True,
        ),
        graph(
            "Tweets in a batch",
            "On average. 1 on a quiet node; it grows by itself under load.",
            "short",
            Query(mean("starling_batch_size", by="instance"), "{{instance}}"),
        ),
        graph(
            "Waiting for an interpreter",
            "How many tweets wait at the moment of a scrape.",
            "short",
            Query(chosen("starling_batcher_waiting"), "{{instance}}"),
        ),
        graph(
            "Oldest wait",
            "How long the oldest of them has waited; and how long 99 in 100 waited at most, of all that went through.",
            "s",
            Query(chosen("starling_batcher_oldest_wait_seconds"), "{{instance}} oldest"),
            *quantiles("starling_stage_seconds", "instance", of=[0.99], where='stage="queue"'),
        ),
    ]


def _broker_and_loop() -> list[Panel]:
    return [
        states(
            "Broker",
            "Whether the node is connected to the broker.",
            {0: "not connected", 1: "connected"},
            Query(chosen("starling_broker_connected"), "{{instance}}"),
        ),
        graph(
            "Reconnections",
            "Connections made after the first, in the last hour.",
            "short",
            Query(growth("starling_broker_reconnects_total", "1h", by="instance"), "{{instance}}"),
            limits=Limits(caution=3, bad=10),
        ),
        graph(
            "The broker's confirmation",
            "From publishing a label to the broker's word that it has it.",
            "s",
            *quantiles("starling_stage_seconds", "instance", where='stage="publish"'),
        ),
        graph(
            "Event-loop lag",
            "How late the event loop runs what is due: the first to rise where something takes the processor away.",
            "s",
            *quantiles("starling_event_loop_lag_seconds", "instance", of=[0.5, 0.99]),
            limits=Limits(caution=0.05, bad=0.1),
        ),
    ]
