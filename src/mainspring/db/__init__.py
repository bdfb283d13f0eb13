"""The database: engine, transactions, the group-commit writer and the migrations."""
