"""Train a classifier on scikit-learn's wine data, and follow it from the first metric to a prediction.

Autologging writes params, metrics and the model, and registers it; the script names the new version "champion",
loads it back by that name and predicts.

    MLFLOW_TRACKING_URI=http://127.0.0.1:5000 python examples/train_wine.py
"""

import os

import mlflow
from mlflow import MlflowClient
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, confusion_matrix
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

MODEL = "wine-classifier"


def main() -> None:
    """Train, log, register, load back and predict."""
    uri = os.environ.get("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    mlflow.set_tracking_uri(uri)
    mlflow.set_experiment("wine")
    mlflow.sklearn.autolog(registered_model_name=MODEL, log_input_examples=True)

    wine = load_wine(as_frame=True)
    train_x, test_x, train_y, test_y = train_test_split(
        wine.data, wine.target, random_state=7, stratify=wine.target, test_size=0.4
    )

    with mlflow.start_run() as run:
        classifier = make_pipeline(StandardScaler(), LogisticRegression(C=0.5))
        classifier.fit(train_x, train_y)
        predicted = classifier.predict(test_x)
        mlflow.log_metric("test_accuracy", accuracy_score(test_y, predicted))
        mlflow.log_dict({"confusion": confusion_matrix(test_y, predicted).tolist()}, "evaluation/confusion.json")
        mlflow.log_text("\n".join(wine.target_names), "evaluation/classes.txt")

    client = MlflowClient()
    (version,) = client.search_model_versions(f"name = '{MODEL}' AND run_id = '{run.info.run_id}'")
    client.set_registered_model_alias(MODEL, "champion", version.version)
    champion = mlflow.pyfunc.load_model(f"models:/{MODEL}@champion")
    answers = champion.predict(test_x)

    stored = client.get_run(run.info.run_id)
    artifacts = [entry.path for entry in client.list_artifacts(run.info.run_id)]
    print(f"server      {uri}")
    print(f"run         {stored.info.run_name} ({stored.info.run_id}), {stored.info.status}")
    print(f"logged      {len(stored.data.params)} params, {len(stored.data.metrics)} metrics")
    print(f"artifacts   {', '.join(artifacts)}")
    print(f"model       models:/{MODEL}@champion is version {version.version}, from {version.source}")
    print(f"accuracy    {accuracy_score(test_y, answers):.3f} on {len(test_y)} wines, by the model loaded back")


if __name__ == "__main__":
    main()
