"""Bring a database to this program's schema, step by step, in one transaction under a lock.

Rule: a step only adds (tables, nullable columns or columns with a default, indexes in place of
those that it makes useless), so that the last release goes on working on the new schema while
processes are replaced one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import as_file, files
from typing import TYPE_CHECKING, Any, Final

from moot.store.migrations import REVISIONS
from moot.store.port import StoreUnusable

UPGRADE_WAIT_S: Final = 60
"""Seconds to wait for another process that is upgrading the same database."""

if TYPE_CHECKING:
    from sqlalchemy import Engine


def steps_missing(version: str | None) -> tuple[str, ...]:
    """Name the steps from a database's version, None for an empty one, to this program's.

    Raises:
        StoreUnusable: the version is none of this program's: a newer release has been here.
    """
    if version is None:
        return REVISIONS
    if version not in REVISIONS:
        raise StoreUnusable(
            f"The database has schema {version}, which is newer than this moot (schema "
            f"{REVISIONS[-1]}): install the release that last used it, or a later one."
        )
    return REVISIONS[REVISIONS.index(version) + 1 :]


def upgrade(engine: Engine, *, lock: Sequence[str]) -> list[str]:
    """Run the missing steps in one transaction.

    Args:
        lock: statements that begin it and wait for whoever else is upgrading; the lock is to last
            until the commit. Who has waited finds the steps done.

    Returns:
        The number and sentence of each step taken, in order.

    Raises:
        StoreUnusable: the database refuses; nothing has changed then.
    """
    # Imported here: they cost half a second, and most starts have nothing to do.
    from alembic.config import Config  # noqa: PLC0415
    from alembic.runtime.environment import EnvironmentContext  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415

    taken: list[str] = []
    with as_file(files("moot.store.migrations")) as folder:
        config = Config()
        config.set_main_option("script_location", str(folder))
        script = ScriptDirectory.from_config(config)

        def steps(revision: Any, _context: Any) -> Any:
            missing = script._upgrade_revs("head", revision)  # noqa: SLF001 - no public name
            taken.extend(f"{step.revision.revision}: {step.doc}" for step in missing)
            return missing

        try:
            with engine.connect() as connection:
                for statement in lock:
                    connection.exec_driver_sql(statement)
                # Under the lock from its first to its last line: it is one for the whole program.
                with EnvironmentContext(config, script, fn=steps, as_sql=False) as environment:
                    environment.configure(connection=connection, transactional_ddl=True)
                    environment.run_migrations()
                connection.commit()
        except DBAPIError as error:
            reason = str(error.orig).partition("\n")[0]
            raise StoreUnusable(
                f"The database could not be brought to schema {REVISIONS[-1]} ({reason}): let "
                "moot's account create tables there, or run `moot migrate` with one that may."
            ) from error
    return taken
