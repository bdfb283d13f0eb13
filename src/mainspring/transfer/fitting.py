"""What a source may hold and no table of ours can: it is made to fit or left out, and noted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from mainspring.modules.registry.schemas import ModelVersion
from mainspring.modules.registry.service.imports import RegisteredModelRecord
from mainspring.modules.tracking.schemas import DatasetInput, Experiment
from mainspring.modules.tracking.service.imports import ModelRecord, RunPoint, RunRecord
from mainspring.transfer.source import Notes

RUN_ID, MODEL_ID, USER_ID = 32, 34, 256
KEY, MODEL_KEY, ALIAS = 250, 255, 255
EXPERIMENT_NAME, LOGGED_MODEL_NAME, REGISTERED_NAME = 500, 500, 256
DATASET_NAME, DATASET_DIGEST, DATASET_TYPE = 500, 36, 36

T = TypeVar("T")
S = TypeVar("S", bound=Struct)

# What is no text to PostgreSQL, or to anyone: NUL, and halves of surrogate pairs.
_NO_TEXT = re.compile("[\0\ud800-\udfff]")


class Fitting:
    """Brings things of a source into the shape of our tables, and tells ``notes`` what that changed."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes

    def experiment(self, found: Experiment) -> Experiment:
        where = f"experiment {found.experiment_id}"
        name = self._cut("the name of an experiment", found.name, EXPERIMENT_NAME, where)
        return replace(self._clean(found, where), name=name, tags=self._pairs(found.tags, KEY, where))

    def run(self, found: RunRecord) -> RunRecord | None:
        """Return a run that fits; None, after a note, for one whose id does not."""
        where = f"run {found.run_id}"
        if not self._is_short("a run", found.run_id, RUN_ID, where):
            return None
        datasets = (self._dataset(given, where) for given in found.datasets)
        return replace(
            self._clean(found, where),
            user_id=self._cut("the user of a run", found.user_id, USER_ID, where),
            started_at=found.started_at or 0,
            params=self._pairs(found.params, KEY, where),
            tags=self._pairs(found.tags, KEY, where),
            datasets=[given for given in datasets if given is not None],
            model_inputs=[model for model in found.model_inputs if self._is_short("a model", model, MODEL_ID, where)],
            model_outputs=[
                made for made in found.model_outputs if self._is_short("a model", made.model_id, MODEL_ID, where)
            ],
        )

    def _dataset(self, given: DatasetInput, where: str) -> DatasetInput | None:
        dataset = given.dataset
        limits = ((dataset.name, DATASET_NAME), (dataset.digest, DATASET_DIGEST), (dataset.source_type, DATASET_TYPE))
        if not all(self._is_short("a dataset", text, limit, where) for text, limit in limits):
            return None
        return DatasetInput(self._clean(dataset, where), self._pairs(given.tags, MODEL_KEY, where))

    def points(self, found: Iterable[RunPoint]) -> Iterator[RunPoint]:
        """Yield the points whose keys fit."""
        for point in found:
            if self._is_short("a metric", point[1], KEY, point[0]):
                yield point

    def logged_model(self, found: ModelRecord) -> ModelRecord | None:
        """Return a logged model that fits; None, after a note, for one whose id does not."""
        where = f"logged model {found.model_id}"
        if not self._is_short("a logged model", found.model_id, MODEL_ID, where):
            return None
        return replace(
            self._clean(found, where),
            name=self._cut("the name of a logged model", found.name, LOGGED_MODEL_NAME, where),
            params=self._pairs(found.params, MODEL_KEY, where),
            tags=self._pairs(found.tags, MODEL_KEY, where),
        )

    def registered_model(self, found: RegisteredModelRecord) -> RegisteredModelRecord | None:
        """Return a registered model that fits; None, after a note, for one whose name does not."""
        where = f"registered model {found.name[:100]}"
        if not self._is_short("a registered model", found.name, REGISTERED_NAME, where):
            return None
        aliases = {
            alias: version
            for alias, version in found.aliases.items()
            if self._is_short("an alias", alias, ALIAS, where)
        }
        return replace(self._clean(found, where), tags=self._pairs(found.tags, KEY, where), aliases=aliases)

    def version(self, found: ModelVersion) -> ModelVersion:
        where = f"version {found.version} of {found.name}"
        user_id = self._cut("the user of a version", found.user_id, USER_ID, where)
        return replace(self._clean(found, where), user_id=user_id, tags=self._pairs(found.tags, KEY, where))

    def _pairs(self, pairs: dict[str, str], longest: int, where: str) -> dict[str, str]:
        return {
            key: self._text(value, f"{where}, {key}")
            for key, value in pairs.items()
            if self._is_short("a param or tag", key, longest, where)
        }

    def _is_short(self, what: str, text: str, longest: int, where: str) -> bool:
        if len(text) <= longest and not _NO_TEXT.search(text):
            return True
        self._notes.add(
            f"{what} was left out: its name has more than {longest} characters, or some that are none", where
        )
        return False

    def _cut(self, what: str, text: str, longest: int, where: str) -> str:
        if len(text) > longest:
            self._notes.add(f"{what} was cut to {longest} characters", where)
        return self._text(text[:longest], where)

    def _clean(self, found: S, where: str) -> S:
        """Return a thing whose own texts every database can keep."""
        texts = {name: getattr(found, name) for name in found.__struct_fields__}
        wrong = {name: text for name, text in texts.items() if isinstance(text, str) and _NO_TEXT.search(text)}
        return replace(found, **{name: self._text(text, where) for name, text in wrong.items()}) if wrong else found

    def _text(self, text: str, where: str) -> str:
        if text.isascii() and "\0" not in text:
            return text
        kept = _NO_TEXT.sub("\N{REPLACEMENT CHARACTER}", text)
        if kept != text:
            self._notes.add("characters that are no text were replaced", where)
        return kept


def fitted(found: Iterable[T], fit: Callable[[T], T | None]) -> Iterator[T]:
    """Yield what is left of things once they fit."""
    return (fitting for each in found if (fitting := fit(each)) is not None)
