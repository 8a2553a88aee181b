"""Training of one seed of a run: its stages in order, each starting from the checkpoint of the previous one."""

from dataclasses import dataclass
from pathlib import Path

import tensorflow as tf
import tf_keras

from training.learning.distillation import Distillation
from training.learning.fine_tuning import FineTuning
from training.learning.history import write_history
from training.learning.initial_model import InitialModel
from training.learning.masking import MaskedWords
from training.learning.metadata import describe
from training.learning.monitor import Monitor
from training.learning.recipe import Adapt, Distil, Stage, StageName, Supervised
from training.learning.run import ADAPTED, CHECKPOINT, DISTILLED, Run
from training.learning.run_data import RunData
from training.learning.stage import StageRun
from training.learning.task import Evaluator, Task
from training.learning.teachers import SoftLabels, soft_labels
from training.learning.trained_model import TrainedModel, write_checkpoint


@dataclass(frozen=True)
class SeedRun:
    """Training of one seed of a run."""

    run: Run
    data: RunData
    seed: int
    monitor: Monitor

    def train(self) -> Path:
        """Run the stages that are not finished yet.

        Returns:
            Folder of the checkpoint.

        Raises:
            StarlingError: An input cannot be used, a file cannot be written, or the monitor requested a stop.
        """
        current = self.run.base()
        for stage, settings in self.run.recipe.stages.items():
            output = self._output(stage)
            if not output.exists():
                self._run_stage(stage, settings, current, output)
            current = output
        return current

    def _output(self, stage: StageName) -> Path:
        if stage == "adapt":  # shared by all seeds, which hardly differ without labels
            return self.run.out / ADAPTED
        is_last = stage == list(self.run.recipe.stages)[-1]
        return self.run.seed_folder(self.seed) / (CHECKPOINT if is_last else DISTILLED)

    def _run_stage(self, stage: StageName, settings: Stage, begin: Path, output: Path) -> None:
        seed = self.run.seeds[0] if stage == "adapt" else self.seed
        make_deterministic(seed)
        recipe = self.run.recipe
        is_first_supervised = isinstance(settings, Supervised) and not (stage == "finetune" and recipe.distil)
        initial = InitialModel.read(begin, recipe, recipe.student if is_first_supervised else None)
        task = self._task(settings, initial, seed)
        evaluator = (
            Evaluator(task.network, initial.examples(self.data.dev)) if isinstance(settings, Supervised) else None
        )
        stage_run = StageRun(stage, task, evaluator, output.parent, self.monitor, self.run.checkpoint_steps)
        state = stage_run.run()
        write_history(output.parent, stage, state)
        about = describe(self.run, self.data, settings, seed, state)
        trained = TrainedModel(task.network.config, stage_run.best_path, initial.tokenizer.word_pieces, about)
        write_checkpoint(output, trained)
        stage_run.remove_files()

    def _task(self, settings: Stage, initial: InitialModel, seed: int) -> Task:
        labelled, unlabelled, copies = self.data.labelled, self.data.unlabelled, self.data.copies
        entity_dropout = self.run.recipe.entity_dropout
        match settings:
            case Adapt():
                examples = initial.examples(labelled, unlabelled, copies)
                network = initial.network("masked_words")
                return MaskedWords(network, settings, examples, initial.tokenizer.word_pieces, seed)
            case Distil() if distilled := self.data.distilled:
                examples = initial.examples(distilled.labelled, distilled.unlabelled, distilled.copies)
                outputs = SoftLabels.without_states(distilled.probabilities, distilled.without_entity)
                return Distillation(initial.network("classifier"), settings, examples, outputs, seed, entity_dropout)
            case Distil():
                texts = [*(tweet.text for tweet in labelled), *unlabelled]
                outputs = soft_labels(self.run.teachers, texts, settings, self.run.out, self.monitor)
                examples = initial.examples(labelled, unlabelled, copies)
                return Distillation(initial.network("classifier"), settings, examples, outputs, seed, entity_dropout)
            case Supervised():
                examples = initial.examples(labelled, copies=copies and copies[: len(labelled)])
                return FineTuning(initial.network("classifier"), settings, examples, seed, entity_dropout)
        raise TypeError(f"unknown stage: {settings}")


def make_deterministic(seed: int) -> None:
    """Make TensorFlow's random numbers and sums reproducible."""
    tf_keras.utils.set_random_seed(seed)

    tf.config.experimental.enable_op_determinism()
