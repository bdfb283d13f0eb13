"""Take the pictures of docs/images/page: each page, in both themes, on data made by the `mlflow` client.

python scripts/screenshots.py          all of them (`make screenshots`)
python scripts/screenshots.py models   those whose names begin so
"""

from __future__ import annotations

import math
import os
import random
import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import mlflow  # noqa: E402
import numpy as np  # noqa: E402
from sklearn.linear_model import LogisticRegression  # noqa: E402

from tests.components.accounts import Guarded  # noqa: E402
from tests.components.chromium import FLAGS, Theme, Visit  # noqa: E402

FOLDER = ROOT / "docs" / "images" / "page"
PROJECT = "vision/snow"
RUNS = 24
STEPS = 300
SETTLE_MS = 1500
SIZE = {"width": 1280, "height": 800}
README = """---
title: Snow from above
license: CC-BY-4.0
keywords: [snow, segmentation, sentinel-2]
extent:
  spatial: [5.5, 44, 16.5, 48]
  temporal: ["2019-01-01T00:00:00Z", "2024-12-31T00:00:00Z"]
---
# Snow from above

Masks of snow and cloud over the Alps, and the models that find them.

| part | scenes |
| --- | --- |
| training | 1,204 |
| test | 301 |
"""


def main(prefix: str = "") -> None:
    with tempfile.TemporaryDirectory() as folder, Guarded(Path(folder) / "data") as server:
        pages = {name: path for name, path in fill(server).items() if name.startswith(prefix)}
        FOLDER.mkdir(parents=True, exist_ok=True)
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(FLAGS))
            for theme in ("light", "dark"):
                take(chromium, server, theme, pages)
            chromium.close()


def take(chromium: Browser, server: Guarded, theme: Theme, pages: dict[str, str]) -> None:
    """Take the picture of each page in one theme."""
    context = chromium.new_context(color_scheme=theme, viewport=SIZE, locale="en-GB", timezone_id="UTC")  # type: ignore[arg-type]
    visit = Visit(context.new_page(), server.url).sign_in("root")
    for name, path in pages.items():
        page = visit.go(path, project=PROJECT)
        page.get_by_role("heading", level=1).first.wait_for()
        page.wait_for_timeout(SETTLE_MS)
        page.screenshot(path=FOLDER / f"{name}-{theme}.png")
        print(f"{name}-{theme}.png")
    context.close()


def fill(server: Guarded) -> dict[str, str]:
    """Log runs, a model and a dataset as their users would; return the pages to look at by the names of pictures."""
    body = {"path": PROJECT, "topics": ["sharinghub:aimodel"], "readme": README, "description": "Snow and cloud"}
    assert server.admin.post("/api/v1/projects", json=body).status_code == 201
    server.add_user("mara")
    server.set_member(PROJECT, "mara", "maintainer")
    mlflow.set_tracking_uri(f"{server.url}/p/{PROJECT}")
    os.environ["MLFLOW_TRACKING_TOKEN"] = server.tokens["root"]
    experiment = mlflow.set_experiment("segmentation/unet").experiment_id
    mlflow.set_experiment("segmentation/deeplab")
    mlflow.set_experiment("segmentation/unet")
    random.seed(7)
    runs = [log_run(number) for number in range(RUNS)]
    best = runs[-1]
    client = mlflow.MlflowClient()
    client.set_registered_model_alias("snow-mask", "champion", "2")
    client.update_registered_model("snow-mask", "Finds **snow** and *cloud* in Sentinel-2 scenes.")
    documents = server.admin.put(
        f"/p/{PROJECT}/api/v1/config/training", json={"value": {"rate": 0.01}, "message": "begin"}
    )
    assert documents.status_code == 200, documents.text
    compared = "%2C".join(f"%22{run}%22" for run in runs[-5:])
    return {
        "home": "",
        "experiments": "experiments",
        "runs": f"experiments/{experiment}",
        "charts": f"experiments/{experiment}?tab=charts",
        "compare": f"compare?runs=%5B{compared}%5D",
        "run": f"runs/{best}",
        "run-artifacts": f"runs/{best}?tab=artifacts&path=report.md",
        "run-lineage": f"runs/{best}?tab=lineage",
        "models": "models",
        "model": "models/snow-mask",
        "model-version": "models/snow-mask/versions/2",
        "catalog": "catalog?map=on",
        "catalog-item": "catalog/ai-model/vision-snow",
        "lineage": "lineage?of=model_version:snow-mask/2",
        "admin-members": "admin/members",
        "admin-audit": "admin/audit",
        "admin-configuration": "admin/configuration",
        "account": "account",
    }


def log_run(number: int) -> str:
    """Log one run; the last two log and register a model."""
    rate, depth = random.choice([0.1, 0.03, 0.01]), random.choice([3, 4, 5])
    with mlflow.start_run(run_name=f"unet-{number:02}") as run:
        mlflow.log_params({"rate": rate, "depth": depth, "optimizer": random.choice(["adam", "sgd"]), "seed": number})
        floor, speed = 0.15 + random.random() / 8, 20 + 400 * rate
        client, entities = mlflow.MlflowClient(), mlflow.entities
        points = []
        for step in range(STEPS):
            loss = floor + math.exp(-step / speed) + random.gauss(0, 0.02)
            values = {
                "train/loss": loss,
                "val/loss": loss + 0.05 + random.gauss(0, 0.02),
                "val/iou": max(0.0, 1 - loss),
            }
            points += [
                entities.Metric(key, value, 1_760_000_000_000 + step * 1000, step) for key, value in values.items()
            ]
        for begin in range(0, len(points), 900):
            client.log_batch(run.info.run_id, points[begin : begin + 900])
        mlflow.log_text(f"# Run {number}\n\nTrained with rate {rate} and depth {depth}.\n", "report.md")
        mlflow.log_dict({"classes": ["snow", "cloud", "ground"]}, "classes.json")
        if number >= RUNS - 2:
            data = np.random.default_rng(number).random((60, 4))
            fitted = LogisticRegression().fit(data, data[:, 0] > 0.5)
            mlflow.log_input(mlflow.data.from_numpy(data, name="scenes"), "training")
            mlflow.sklearn.log_model(
                fitted, name="model", step=STEPS - 1, input_example=data[:2], registered_model_name="snow-mask"
            )
        return str(run.info.run_id)


if __name__ == "__main__":
    main(*sys.argv[1:2])
