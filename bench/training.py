"""A training script as users write it: scikit-learn autolog on the wine data, register, load back, predict."""

import mlflow
import mlflow.sklearn
from sklearn.datasets import load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split

mlflow.set_experiment("wine")
mlflow.sklearn.autolog(registered_model_name="wine")
features, target = load_wine(return_X_y=True, as_frame=True)
x_train, x_test, y_train, y_test = train_test_split(features, target, random_state=0)

with mlflow.start_run() as run:
    forest = RandomForestClassifier(n_estimators=20, random_state=0).fit(x_train, y_train)
    for step in range(20):
        mlflow.log_metric("accuracy", forest.score(x_test, y_test), step=step)

versions = mlflow.MlflowClient().search_model_versions(f"run_id = '{run.info.run_id}'")
model = mlflow.sklearn.load_model(f"models:/wine/{versions[0].version}")
assert list(model.predict(x_test)) == list(forest.predict(x_test)), "the model came back changed"
print(run.info.run_id)
