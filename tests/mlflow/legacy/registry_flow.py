"""Run by a client of MLflow 1.30 or 2.22: log a model, register it, move it and load it. Arguments: address, name."""

from __future__ import annotations

import json
import sys

import mlflow
import mlflow.pyfunc
from mlflow.tracking import MlflowClient


class Doubler(mlflow.pyfunc.PythonModel):
    """The smallest model there is."""

    def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]
        """Double every value."""
        return model_input * 2


def main(address: str, name: str) -> None:
    """Register two versions of a model, read everything back, and print what was found as one line of JSON."""
    import pandas

    mlflow.set_tracking_uri(address)
    client = MlflowClient(address)
    mlflow.set_experiment(name)
    with mlflow.start_run() as run:
        mlflow.pyfunc.log_model("model", python_model=Doubler(), pip_requirements=["mlflow"])
    source = f"runs:/{run.info.run_id}/model"
    versions = [mlflow.register_model(source, name).version for _ in range(2)]
    client.set_registered_model_tag(name, "team", "red")
    client.set_model_version_tag(name, versions[0], "checked", "yes")
    client.update_registered_model(name, "of old")
    client.update_model_version(name, versions[0], "first")
    client.transition_model_version_stage(name, versions[0], "Production")
    client.transition_model_version_stage(name, versions[1], "Production", archive_existing_versions=True)
    frame = pandas.DataFrame({"x": [1.0, 2.0]})
    answer = list(mlflow.pyfunc.load_model(f"models:/{name}/Production").predict(frame)["x"])
    model = client.get_registered_model(name)
    found = client.search_model_versions(f"name='{name}'")
    history = client.get_run(run.info.run_id).data.tags["mlflow.log-model.history"]
    client.rename_registered_model(name, f"{name}-new")
    client.delete_model_version(f"{name}-new", versions[0])
    report = {
        "run": run.info.run_id,
        "answer": answer,
        "description": model.description,
        "tags": model.tags,
        "stages": {str(version.version): version.current_stage for version in found},
        "run_ids": sorted({version.run_id for version in found}),
        "latest": [str(version.version) for version in client.get_latest_versions(f"{name}-new", ["Production"])],
        "searched": [entry.name for entry in client.search_registered_models(f"name LIKE '{name}%'")],
        "history": json.loads(history)[0]["artifact_path"],
    }
    if hasattr(client, "set_registered_model_alias"):
        client.set_registered_model_alias(f"{name}-new", "champion", versions[1])
        model = mlflow.pyfunc.load_model(f"models:/{name}-new@champion")
        report["alias"] = str(client.get_model_version_by_alias(f"{name}-new", "champion").version)
        report["by_alias"] = list(model.predict(frame)["x"])
    if hasattr(client, "list_registered_models"):
        report["listed"] = f"{name}-new" in [entry.name for entry in client.list_registered_models(max_results=1000)]
        report["experiments"] = name in [entry.name for entry in client.list_experiments(max_results=1000)]
    print(json.dumps(report))


main(*sys.argv[1:])
