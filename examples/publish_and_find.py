"""Browse the catalog for data, train on it, track the run, publish the model, find it again, and download it.

The catalog is read by pystac-client, runs and models are tracked by MLflow's client; Mainspring's own makes projects
and their releases. On a server whose catalog has no wines yet, the data are published first.

    MAINSPRING_URL=http://127.0.0.1:5000 python examples/publish_and_find.py
"""

import hashlib
import io
import tempfile
from pathlib import Path

import httpx
import mlflow
import pandas as pd
import pystac_client
from mlflow import MlflowClient
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import mainspring as ms
from mainspring.kit.errors import AlreadyExists

DATA, MODEL = "cellar/wine-data", "cellar/wine-model"

DATA_README = """---
title: Wines of three growers
license: CC-BY-4.0
assets: ["*.csv"]
---

# Wines of three growers

What a chemical analysis found in 178 wines, and which of three growers made them.
"""

MODEL_README = f"""---
title: Who made this wine
license: Apache-2.0
related:
  dataset: {DATA}
mlm:
  name: Wine classifier
  architecture: Logistic Regression
  tasks: [classification]
  framework: scikit-learn
  framework_version: 1.7.0
  input:
    - name: analysis
      bands: []
      input:
        shape: [-1, 13]
        dim_order: [batch, feature]
        data_type: float64
  output:
    - name: grower
      tasks: [classification]
      result:
        shape: [-1]
        dim_order: [batch]
        data_type: int64
---

# Who made this wine

A regression that tells the grower of a wine from its chemical analysis.
"""


def main() -> None:
    """Walk the whole way."""
    platform = ms.connect()
    catalog = pystac_client.Client.open(f"{platform.url}/api/stac")

    # Browse: datasets about wine, and the file that the first of them shares.
    datasets = list(catalog.search(collections=["dataset"], filter="keywords = 'wine'").items())
    if not datasets:
        publish_data(platform)
        datasets = list(catalog.search(collections=["dataset"], filter="keywords = 'wine'").items())
    table = next(asset for asset in datasets[0].assets.values() if asset.media_type == "text/csv")
    print(f"browse      {datasets[0].id}: {table.href}")

    # Train and track: the run notes which data it has read, and the model that it made.
    create(platform, MODEL, "sharinghub:aimodel", MODEL_README)
    mlflow.set_tracking_uri(f"{platform.url}/p/{MODEL}")
    mlflow.set_experiment("growers")
    frame = pd.read_csv(io.BytesIO(httpx.get(table.href, follow_redirects=True).raise_for_status().content))
    measured, growers = frame.drop(columns="grower"), frame["grower"]
    train_x, test_x, train_y, test_y = train_test_split(measured, growers, random_state=7, stratify=growers)
    with mlflow.start_run() as run:
        mlflow.log_input(mlflow.data.from_pandas(frame, source=table.href, name="wines", targets="grower"), "training")
        classifier = make_pipeline(StandardScaler(), LogisticRegression()).fit(train_x, train_y)
        mlflow.log_metric("accuracy", classifier.score(test_x, test_y))
        logged = mlflow.sklearn.log_model(classifier, name="classifier", input_example=test_x.head(2))
    print(f"train       run {run.info.run_id}")

    # Publish: a version of a registered model is in its project's item at once; a release keeps how it was made.
    version = mlflow.register_model(logged.model_uri, "wine-classifier").version
    MlflowClient().set_registered_model_alias("wine-classifier", "champion", version)
    release(platform, MODEL, Path(__file__), f"v{version}")
    print(f"publish     version {version} of wine-classifier")

    # Find: models for classification, by a filter of CQL2, and the way that each of them has come.
    wanted = "mlm:architecture = 'Logistic Regression' AND keywords = 'wine'"
    [item] = catalog.search(collections=["ai-model"], filter=wanted).items()
    with ms.connect(platform.url, project=MODEL) as project:
        way = project.lineage.get(f"item:{item.id}", hops=5, direction="up")
    data = ", ".join(node.title for node in way.nodes if node.id == f"item:{datasets[0].id}")
    print(f"find        {item.properties['title']}, made of {data}")

    # Download: the one asset that is the model, checked against what the catalog says of it.
    model = next(asset for asset in item.assets.values() if "mlm:model" in (asset.roles or []))
    content = httpx.get(model.href, follow_redirects=True).raise_for_status().content
    assert f"1220{hashlib.sha256(content).hexdigest()}" == model.extra_fields["file:checksum"]
    print(f"download    {model.title}: {len(content)} bytes, as the catalog says")
    champion = mlflow.pyfunc.load_model("models:/wine-classifier@champion")
    right = champion.predict(test_x) == test_y
    print(f"accuracy    {right.mean():.3f} on {len(test_y)} wines, by the model loaded back")


def publish_data(platform: ms.Client) -> None:
    """Share the wines as a project: a table, its description, and a release."""
    create(platform, DATA, "sharinghub:dataset", DATA_README)
    frame = load_wine(as_frame=True).frame.rename(columns={"target": "grower"})
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder, "wines.csv")
        frame.to_csv(table, index=False)
        release(platform, DATA, table, "v1")


def create(platform: ms.Client, path: str, topic: str, readme: str) -> None:
    """Create a project unless it is there."""
    try:
        platform.projects.create(path, readme=readme, topics=[topic, "wine"])
    except AlreadyExists:
        platform.projects.update(path, readme=readme, topics=[topic, "wine"])


def release(platform: ms.Client, path: str, file: Path, tag: str) -> None:
    """Put a file into a project, and keep the project's files as they are then."""
    with ms.connect(platform.url, project=path) as project:
        project.files.put(file)
        project.releases.create(tag)


if __name__ == "__main__":
    main()
