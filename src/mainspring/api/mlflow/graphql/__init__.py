"""The part of MLflow's GraphQL that its web page asks: the same answers as over REST, of which it picks fields."""
