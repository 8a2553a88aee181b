"""The paper's method: a paho loop around tflite-runtime, one tweet at a time, padded to the model's full length.

After 'Quantized Transformer Language Model Implementations on Edge Devices': a TensorFlow Lite model on a Raspberry Pi
that takes tweets from MQTT. It acknowledges a tweet when it arrives, as paho does by default.
"""

import argparse
import json
import socket
import sys
from typing import Any, cast

import numpy as np
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion
from tflite_runtime.interpreter import Interpreter
from tokenizers import Tokenizer

from stream.tweets.cleaning import placeholders
from tests.peers.answering import LABELS, say


class PaddedModel:
    """A model with a fixed input length."""

    def __init__(self, model: str, tokenizer: str, length: int, threads: int) -> None:
        self._interpreter = Interpreter(model, num_threads=threads)
        self._interpreter.allocate_tensors()  # otherwise XNNPACK is not used
        self._inputs, (self._output,) = _tensors(self._interpreter)
        for index in self._inputs.values():
            self._interpreter.resize_tensor_input(index, (1, length))
        self._interpreter.allocate_tensors()
        self._tokenizer = Tokenizer.from_file(tokenizer)
        self._tokenizer.enable_truncation(length)
        self._tokenizer.enable_padding(length=length)

    def column(self, text: str) -> int:
        """Return the column of a text's label."""
        encoding = self._tokenizer.encode(placeholders(text))
        given = {
            "input_ids": encoding.ids,
            "attention_mask": encoding.attention_mask,
            "token_type_ids": encoding.type_ids,
        }
        for name, index in self._inputs.items():
            self._interpreter.set_tensor(index, np.array([given[name]], dtype=np.int32))
        self._interpreter.invoke()
        return int(self._interpreter.get_tensor(self._output).argmax())


def _tensors(interpreter: Interpreter) -> tuple[dict[str, int], list[int]]:
    """Return the inputs' indices by name, and the outputs'; the runner must be deleted before a resize."""
    runner = interpreter.get_signature_runner()
    inputs = {name: int(details["index"]) for name, details in runner.get_input_details().items()}
    return inputs, [int(details["index"]) for details in runner.get_output_details().values()]


def main() -> None:
    parser = argparse.ArgumentParser()
    for option in ("--host", "--tweets-topic", "--labels-topic", "--model"):
        parser.add_argument(option, required=True)
    parser.add_argument("--tokenizer", default=".peers/checkpoint/tokenizer.json")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--length", type=int, default=128)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    model = PaddedModel(options.model, options.tokenizer, options.length, options.threads)

    def on_message(client: Client, _: Any, message: MQTTMessage) -> None:
        tweet = json.loads(message.payload)
        tweet = tweet.get("data", tweet)
        text = tweet.get("full_text") or tweet.get("text") or ""
        label = {"id": str(tweet.get("id_str", tweet.get("id"))), "polarity": LABELS[model.column(text)]}
        client.publish(options.labels_topic, json.dumps(label), qos=1)

    client = Client(CallbackAPIVersion.VERSION2)
    client.on_message = on_message
    client.on_subscribe = lambda *_: say(ready=True)
    client.connect(options.host, options.port)
    cast("socket.socket", client.socket()).setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client.subscribe(options.tweets_topic, qos=1)
    client.loop_start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
