"""Dashboard of one device: utilisation, saturation and errors (the USE method), and power consumption."""

from grafana.source.board import board
from grafana.source.panels import (
    DISK,
    PER_SECOND,
    VALIDITY,
    WIFI,
    Limits,
    Panel,
    graph,
    name,
    number,
    signed,
    states,
)
from grafana.source.promql import Query, chosen, growth, mean, quantiles, rate

_HOT = Limits(caution=70, bad=80)
_BUSY = Limits(caution=0.8, bad=0.95)
_ALL_CPU = rate("starling_system_cpu_seconds_total", by="instance")
"""CPU seconds per second over all cores and modes, which is the number of cores."""


def device() -> str:
    """Return the dashboard's JSON."""
    return board(
        "device",
        "One node, or several for comparison: the machine, its power consumption, and each stage where a tweet can "
        "wait.",
        {
            "Now": _now(),
            "Machine": _machine(),
            "Power": _power(),
            "Processing stages": _stages(),
            "Batcher": _batcher(),
            "Broker and event loop": _broker_and_loop(),
            "Disk, network, clock and certificates": _surroundings(),
        },
    )


def _now() -> list[Panel]:
    joules = chosen("starling_energy_joules_per_tweet", 'share="all"')
    return [
        number(
            "Ready",
            "Whether a tweet would be labelled now. For several nodes, the worst value.",
            "bool_yes_no",
            Query(f"min({chosen('starling_ready')})"),
            limits=Limits(caution=1, bad=0.5),
        ),
        name(
            "Model",
            "Name, precision and first digits of the hash of the model in use.",
            Query(f"count by (model) ({chosen('instance_model:starling_model:info')})", "{{model}}"),
        ),
        name(
            "Release",
            "Release of Starling: version, hash of its content, and Python; without the role, the version.",
            Query(f"count by (release) ({chosen('starling_build_info')})", "{{release}}"),
        ),
        number(
            "Temperature",
            "Temperature of the hottest sensor.",
            "celsius",
            Query(f"max({chosen('starling_system_temperature_celsius')})"),
            limits=_HOT,
        ),
        number(
            "Power",
            "Power consumption of all selected nodes that have a meter.",
            "watt",
            Query(f"sum({chosen('starling_power_watts')})"),
        ),
        number(
            "Energy per tweet",
            "Energy consumption per label, idle power included. For several nodes, the mean.",
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
            "Utilisation: the share of all cores' time that is not idle, and the service's share.",
            "percentunit",
            Query(f"1 - {idle} / {_ALL_CPU}", "{{instance}}"),
            Query(f"{own} / {_ALL_CPU}", "{{instance}} starling"),
            limits=_BUSY,
        ),
        graph(
            "Load",
            "Saturation: running and waiting programs per core. Above 1, some wait.",
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
            "Service memory",
            "Resident memory of the service. It should be constant.",
            "bytes",
            Query(chosen("process_resident_memory_bytes", 'job="starling"'), "{{instance}}"),
        ),
        graph(
            "Temperature",
            "Temperature of each sensor. A Raspberry Pi reduces its speed above 80 °C.",
            "celsius",
            Query(chosen("starling_system_temperature_celsius"), "{{instance}} {{sensor}}"),
            limits=_HOT,
        ),
        graph(
            "Frequency",
            "Mean frequency of the cores. It falls when the firmware throttles the machine.",
            "hertz",
            Query(chosen("starling_system_cpu_frequency_hertz"), "{{instance}}"),
        ),
        states(
            "Throttling by the firmware",
            "Reasons why the firmware throttles the machine. Under-voltage means a weak supply or cable, the others "
            "mean heat. Only Raspberry Pis report it.",
            {0: "no throttling", 1: "throttled"},
            Query(f"max by (instance, reason) ({chosen('starling_system_throttled')})", "{{instance}} {{reason}}"),
        ),
    ]


def _power() -> list[Panel]:
    rejected = rate("starling_power_frames_rejected_total", by="instance")
    return [
        graph(
            "Power",
            "Power consumption, its standard error, and the consumption without a tweet in progress.",
            "watt",
            Query(chosen("starling_power_watts"), "{{instance}}"),
            Query(chosen("starling_power_standard_error_watts"), "{{instance}} standard error"),
            Query(chosen("starling_power_idle_watts"), "{{instance}} idle"),
        ),
        graph(
            "Energy per tweet",
            "Energy consumption per label, in total and above idle. With few tweets the total is high, because it "
            "includes the idle consumption.",
            "joule",
            Query(chosen("starling_energy_joules_per_tweet"), "{{instance}} {{share}}"),
        ),
        graph(
            "Readings lost",
            "Frames of the meter that did not arrive, and lines that could not be parsed.",
            PER_SECOND,
            Query(rate("starling_power_frames_lost_total", by="instance"), "{{instance}} lost"),
            Query(rejected, "{{instance}} unreadable"),
        ),
        states(
            "Meter",
            "Whether the meter, or the machine's energy counter, provides readings.",
            {0: "not available", 1: "available"},
            Query(chosen("starling_power_meter_up"), "{{instance}} {{source}}"),
        ),
    ]


def _stages() -> list[Panel]:
    return [
        graph(
            "Stages, p99",
            "Time in each stage: decoding, waiting for an interpreter, inference, and waiting for the broker's "
            "confirmation.",
            "s",
            *quantiles("starling_stage_seconds", "stage", of=[0.99]),
        ),
        graph(
            "Latency",
            "Time from a tweet's arrival to its acknowledgement.",
            "s",
            *quantiles("starling_tweet_seconds", "instance"),
        ),
        graph(
            "Tweets in and out",
            "Tweets received from the broker, labelled and rejected, and tweets redelivered after a lost connection.",
            PER_SECOND,
            Query(rate("starling_tweets_received_total"), "in"),
            Query(rate("starling_tweets_classified_total"), "labelled"),
            Query(rate("starling_tweets_rejected_total"), "rejected"),
            Query(rate("starling_tweets_redelivered_total"), "redelivered"),
        ),
        graph(
            "In progress",
            "Tweets received and not yet acknowledged, and their maximum.",
            "short",
            Query(chosen("starling_tweets_in_progress"), "{{instance}}"),
            Query(chosen("starling_window_tweets"), "{{instance}} maximum"),
        ),
    ]


def _batcher() -> list[Panel]:
    return [
        graph(
            "Batches by reason",
            "Reasons to start a batch. emptied: no more tweets of that length waited; shared: the rest was left for "
            "other free interpreters; full: more waited than a batch may hold.",
            PER_SECOND,
            Query(rate("starling_batches_total", by="reason"), "{{reason}}"),
            stacked=True,
        ),
        graph(
            "Tweets per batch",
            "Mean batch size. It is 1 on a quiet node and grows with the load.",
            "short",
            Query(mean("starling_batch_size", by="instance"), "{{instance}}"),
        ),
        graph(
            "Waiting for an interpreter",
            "Tweets in the queue at the time of the scrape.",
            "short",
            Query(chosen("starling_batcher_waiting"), "{{instance}}"),
        ),
        graph(
            "Oldest wait",
            "Waiting time of the oldest tweet in the queue, and the 99th percentile of all waiting times.",
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
            "Connections after the first one, in the last hour.",
            "short",
            Query(growth("starling_broker_reconnects_total", "1h", by="instance"), "{{instance}}"),
            limits=Limits(caution=3, bad=10),
        ),
        graph(
            "Confirmation by the broker",
            "Time from the publication of a label to its confirmation by the broker.",
            "s",
            *quantiles("starling_stage_seconds", "instance", where='stage="publish"'),
        ),
        graph(
            "Event loop lag",
            "Delay of the event loop. It rises first when other programs use the CPU.",
            "s",
            *quantiles("starling_event_loop_lag_seconds", "instance", of=[0.5, 0.99]),
            limits=Limits(caution=0.05, bad=0.1),
        ),
    ]


def _surroundings() -> list[Panel]:
    return [
        graph(
            "Disk used",
            "The share of the root file system that is used. The service writes only its log.",
            "percentunit",
            Query(chosen("instance:starling_disk_used:ratio"), "{{instance}}"),
            limits=DISK,
        ),
        graph(
            "Wi-Fi signal",
            "Level of the access point's signal. Above -67 dBm it is good, below -75 dBm packets are lost.",
            "dBm",
            Query(chosen("starling_system_wifi_signal_dbm"), "{{instance}} {{interface}}"),
            limits=WIFI,
        ),
        signed(
            graph(
                "Clock",
                "The node's clock minus that of Prometheus. The time of a scrape is part of it.",
                "s",
                Query(chosen("instance:starling_clock_difference:seconds"), "{{instance}}"),
            )
        ),
        states(
            "Clock set by a time server",
            "Whether systemd-timesyncd has set the clock since the machine's start.",
            {0: "not set", 1: "set"},
            Query(chosen("starling_system_clock_synchronized"), "{{instance}}"),
        ),
        graph(
            "Certificates",
            "Time until a certificate expires: the broker's, the authority's that verifies it, and the node's own for "
            "the broker (client) and for HTTP.",
            "s",
            Query(chosen("instance_certificate:starling_certificate_validity:seconds"), "{{instance}} {{certificate}}"),
            limits=VALIDITY,
        ),
    ]
