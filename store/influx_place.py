"""Makes sure that the database or bucket is there, and creates it where that is allowed.

InfluxDB 3 would create a missing database at the first write, with no retention: we do not rely on it.
"""

from typing import Any

import msgspec
from msgspec import Struct

from store import results
from store.answers import away
from store.config import InfluxConfig
from store.generation import Generation
from store.influx_http import AwayError, InfluxLink
from store.influxql import create_database

DAY_S = 86_400


class _Bucket(Struct):
    id: str
    org_id: str = msgspec.field(name="orgID")


class _Buckets(Struct):
    buckets: list[_Bucket]


class _Organisation(Struct):
    id: str


class _Organisations(Struct):
    orgs: list[_Organisation]


class _Mappings(Struct):
    content: list[dict[str, Any]]


async def prepare(link: InfluxLink, config: InfluxConfig, *, may_create: bool) -> Generation:
    """The generation of the InfluxDB, once the place to write to is there. Raises AwayError."""
    generation = await link.ping()
    if generation.has_buckets:
        await _bucket(link, config, may_create=may_create)
    elif not await _has_database(link, config.database):
        if not may_create:
            raise AwayError(away(f"there is no database {config.database}"))
        await _create_database(link, config, generation)
    return generation


async def _has_database(link: InfluxLink, database: str) -> bool:
    return any([database in results.names(found) async for found in link.query("SHOW DATABASES")])


async def _create_database(link: InfluxLink, config: InfluxConfig, generation: Generation) -> None:
    if generation.major < 3:
        async for _ in link.query(create_database(config.database, config.retention_days)):
            pass
    else:
        await link.api("POST", "/api/v3/configure/database", msgspec.Raw, json=_database_of_v3(config))
    if not await _has_database(link, config.database):
        raise AwayError(away(f"there is no database {config.database}, and it could not be created"))


def _database_of_v3(config: InfluxConfig) -> dict[str, Any]:
    keeping = {"retention_period": f"{config.retention_days}d"} if config.retention_days else {}
    return {"db": config.database, **keeping}


async def _bucket(link: InfluxLink, config: InfluxConfig, *, may_create: bool) -> None:
    if not config.org:
        raise AwayError(away("this is InfluxDB 2: [store] needs org"))
    wanted = {"name": config.database, "org": config.org}
    found = await link.api("GET", "/api/v2/buckets", _Buckets, params=wanted)
    buckets = found.buckets if found else []
    if not buckets and not may_create:
        raise AwayError(away(f"there is no bucket {config.database} in organisation {config.org!r}"))
    bucket = buckets[0] if buckets else await _create_bucket(link, config)
    await _map(link, config, bucket)


async def _create_bucket(link: InfluxLink, config: InfluxConfig) -> _Bucket:
    found = await link.api("GET", "/api/v2/orgs", _Organisations, params={"org": config.org})
    if not found or not found.orgs:
        raise AwayError(away(f"there is no organisation {config.org!r} that this token may use"))
    rules = [{"type": "expire", "everySeconds": config.retention_days * DAY_S}]
    body = {"orgID": found.orgs[0].id, "name": config.database, "retentionRules": rules}
    created = await link.api("POST", "/api/v2/buckets", _Bucket, json=body)
    if created is None:
        raise AwayError(away(f"the bucket {config.database} could not be created"))
    return created


async def _map(link: InfluxLink, config: InfluxConfig, bucket: _Bucket) -> None:
    """InfluxQL knows a bucket by a mapping, which newer versions make by themselves."""
    wanted = {"orgID": bucket.org_id, "db": config.database}
    found = await link.api("GET", "/api/v2/dbrps", _Mappings, params=wanted)
    if found and found.content:
        return
    mapping = {
        "bucketID": bucket.id,
        "database": config.database,
        "retention_policy": "autogen",
        "default": True,
    }
    await link.api("POST", "/api/v2/dbrps", msgspec.Raw, json={"orgID": bucket.org_id, **mapping})
