"""Execution of a stage: training steps, evaluations, and saves of the state, so that it can be interrupted."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from training.errors import InterruptedRunError, RecipeError, TrainingError
from training.learning.adversarial import adversarial_gradients
from training.learning.arithmetic import matmul_arithmetic
from training.learning.files import write_arrays
from training.learning.monitor import Monitor
from training.learning.network import Tensor
from training.learning.optimiser import Optimiser, WeightAverage, is_frozen, learning_rate
from training.learning.recipe import Supervised
from training.learning.state import State, load_state, save_state
from training.learning.task import Evaluator, Task

_HISTORY_STEPS = 25
"""Number of steps per point of the loss curve."""


class StageRun:
    """Execution of a stage in its folder.

    Args:
        name: Name of the stage.
        task: Network, data and loss.
        evaluator: Scores the network on the dev set; None: the last weights are kept.
        folder: Folder of the state and of the best weights.
        monitor: Receives the progress.
        checkpoint_steps: Number of steps between two saves of the state.

    Raises:
        RecipeError: No layer would be trained.
    """

    def __init__(
        self, name: str, task: Task, evaluator: Evaluator | None, folder: Path, monitor: Monitor, checkpoint_steps: int
    ) -> None:
        self._name, self._task, self._evaluator, self._monitor = name, task, evaluator, monitor
        self._checkpoint_steps = checkpoint_steps
        self.best_path = folder / f"{name}-best.safetensors"
        self.state_path = folder / f"{name}-state.safetensors"
        self._steps = max(1, round(task.settings.epochs * task.order.steps_per_epoch))
        self._variables = variables = _trained(task)
        self._optimiser = Optimiser(variables, task.network.config.num_hidden_layers, task.settings)
        self._average = WeightAverage(variables, task.settings.averaging)
        self._all_variables = [*variables, *self._optimiser.variables, *self._average.variables]

    def run(self) -> State:
        """Run the stage to its end, from its saved state if there is one.

        Returns:
            State at the end. The best weights are at `best_path`.

        Raises:
            InterruptedRunError: The monitor requested a stop; the state is saved.
            TrainingError: The loss is not finite, or a file cannot be written.
        """
        state = load_state(self.state_path, self._all_variables)
        self._monitor.begin_part(self._name, self._steps, state.step)
        step = self._step_function()
        while state.step < self._steps and not self._out_of_patience(state):
            self._one_step(state, step)
            if self._monitor.interrupted:
                save_state(self.state_path, state, self._all_variables)
                raise InterruptedRunError(
                    f"interrupted in {self._name} after step {state.step} of {self._steps}: the same command continues "
                    "the run"
                )
            if state.step % self._checkpoint_steps == 0:
                save_state(self.state_path, state, self._all_variables)
        if self._evaluator is None:
            self._average.swap()
            self._keep_weights()
            self._average.swap()
        return state

    def remove_files(self) -> None:
        """Remove the state and the best weights, after the checkpoint was written."""
        for path in (self.state_path, self.best_path):
            path.unlink(missing_ok=True)

    def _step_function(self) -> Callable[..., Tensor]:
        """Return the step as a graph that is traced once for batches of any shape."""
        task, optimiser, average = self._task, self._optimiser, self._average
        scalar = tf.TensorSpec([], tf.float32)

        def step(*arguments: Tensor) -> Tensor:
            *inputs, rate, number = arguments

            def loss_of() -> Tensor:
                loss = task.loss(*inputs)
                task.network.next_dropout()  # adversarial training computes the loss twice, with independent masks
                return loss

            loss, gradients = self._gradients(loss_of)
            optimiser.apply(gradients, rate)
            task.network.ignore_padding()
            average.update(number)
            return loss

        return tf.function(step, input_signature=[*task.signature, scalar, scalar])  # type: ignore[no-any-return]

    def _gradients(self, loss_of: Callable[[], Tensor]) -> tuple[Tensor, list[Tensor]]:
        network, distance = self._task.network, self._task.settings.adversary
        if distance:
            return adversarial_gradients(loss_of, self._variables, network.word_embeddings, distance)
        with tf.GradientTape() as tape:
            loss = loss_of()
        return loss, tape.gradient(loss, self._variables)

    def _one_step(self, state: State, step: Callable[..., Tensor]) -> None:
        start_seconds = time.monotonic()
        rate = learning_rate(self._task.settings, state.step, self._steps)
        inputs = self._task.inputs(state.step)
        self._task.network.seed_dropout(self._task.order.seed, state.step)
        with matmul_arithmetic(self._task.settings.arithmetic):
            loss = float(step(*inputs, np.float32(rate), np.float32(state.step)))
        if not np.isfinite(loss):
            raise TrainingError(
                f"the loss of {self._name} is {loss} at step {state.step + 1}: lower its learning_rate in the recipe"
            )
        state.step += 1
        state.recent_losses.append(loss)
        if state.step % _HISTORY_STEPS == 0 or state.step == self._steps:
            state.history.append({"step": state.step, "loss": float(np.mean(state.recent_losses))})
            state.recent_losses.clear()
        if self._is_evaluated(state.step):
            self._evaluate(state)
        state.seconds += time.monotonic() - start_seconds
        self._monitor.step_done(loss, state.best)

    def _is_evaluated(self, step: int) -> bool:
        if not isinstance(self._task.settings, Supervised):
            return False
        every = max(1, self._task.order.steps_per_epoch // self._task.settings.evaluations_per_epoch)
        return step % every == 0 or step == self._steps

    def _out_of_patience(self, state: State) -> bool:
        settings = self._task.settings
        return isinstance(settings, Supervised) and 0 < settings.patience <= state.since_best

    def _evaluate(self, state: State) -> None:
        if self._evaluator is None:
            return
        self._average.swap()
        scores = self._evaluator.scores().as_json()
        measures = ("macro_recall", "macro_f1", "accuracy")
        state.history.append({"step": state.step} | {name: scores[name] for name in measures})
        state.since_best += 1
        if scores["macro_recall"] > state.best:
            without_entity = self._evaluator.scores_without_entity()
            bare = {"without_entity": without_entity.as_json()} if without_entity else {}
            state.best_scores, state.since_best = scores | bare, 0
            self._keep_weights()
        self._average.swap()

    def _keep_weights(self) -> None:
        write_arrays(self.best_path, self._task.network.weights(), {"format": "pt"})


def _trained(task: Task) -> list[Any]:
    """Return the weights that the stage trains, so that no gradient of the frozen ones is computed."""
    layers, frozen = task.network.config.num_hidden_layers, task.settings.frozen_layers
    if frozen >= layers:
        raise RecipeError(f"frozen_layers is {frozen}, but the base has {layers} layers: leave at least one to train")
    return [variable for variable in task.network.variables if not is_frozen(variable.name, frozen)]
