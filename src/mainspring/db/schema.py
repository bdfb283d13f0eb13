"""The one MetaData that every module's tables are declared on.

Alembic's migrations and the modules' ``tables.py`` are held against each other by a test.
"""

from sqlalchemy import BigInteger, Integer, MetaData

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite makes only INTEGER primary keys into row ids; PostgreSQL wants the 64 bits spelled out.
Key = BigInteger().with_variant(Integer, "sqlite")
"""The type of a primary key that the database counts up."""
