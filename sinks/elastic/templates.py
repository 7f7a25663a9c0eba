"""Installs templates, indices and aliases (`hotline index create`); run it as often as you like."""

from collections.abc import Iterable

from elasticsearch import AsyncElasticsearch, BadRequestError

from schemas.contract.index_templates import QUIET, Index, indices, mapping, plain_mapping
from schemas.errors import MisconfiguredError
from sinks.elastic.errors import translated

_EXISTS = "resource_already_exists_exception"


async def ensure_indices(client: AsyncElasticsearch, wanted: Iterable[Index] | None = None) -> list[str]:
    """Make whatever is missing and add new fields to what is there; return the concrete indices that were made.

    Raises MisconfiguredError when an existing index contradicts the records, or a foreign one has an alias's name.
    """
    created = []
    for index in indices().values() if wanted is None else wanted:
        with translated():
            await put_template(client, index)
            if await client.indices.exists_alias(name=index.alias):
                await _update_mapping(client, index)
                await client.indices.put_settings(index=index.alias, settings=QUIET)
            elif index.first is not None and await _create(client, index, index.first):
                created.append(index.first)
    return created


async def put_template(client: AsyncElasticsearch, index: Index) -> None:
    """Install the template of an index. Raises MisconfiguredError when Elasticsearch does not take it."""
    try:
        await client.indices.put_index_template(name=index.alias, **index.template())
    except BadRequestError as error:  # as of a bad document: each one that comes would be buried
        raise MisconfiguredError(
            f"Elasticsearch refuses the index template {index.alias}: probably another one serves "
            f"{index.pattern} with the same priority; find it with GET _index_template, and delete it or "
            "lower its priority"
        ) from error


async def _create(client: AsyncElasticsearch, index: Index, name: str) -> bool:
    """Make the first concrete index with its alias; False when another process was faster."""
    if await client.indices.exists(index=index.alias):
        raise MisconfiguredError(f"An index has the name of the alias {index.alias}: rename or delete that index")
    try:
        await client.indices.create(index=name, aliases={index.alias: {"is_write_index": True}})
    except BadRequestError as error:
        if error.message != _EXISTS:
            raise
        # There already: made by a faster process, or left without its alias by a broken-off rebuild.
        await client.indices.put_alias(index=name, name=index.alias, is_write_index=True)
        return False
    return True


async def _update_mapping(client: AsyncElasticsearch, index: Index) -> None:
    """Add fields that the records gained; the documents already there are not read again.

    An index of an older version cannot get new analyzers: it takes what it can until it is rebuilt, and searches of
    sounds and pairs find nothing in it. `hotline doctor` names it.
    """
    try:
        try:
            await client.indices.put_mapping(index=index.alias, **mapping(index.record))
        except BadRequestError:
            await client.indices.put_mapping(index=index.alias, **plain_mapping(index.record))
    except BadRequestError as error:
        raise MisconfiguredError(
            f"{index.alias} has a different mapping than the records: run `hotline index rebuild`, which "
            "fills a new index with the correct mapping"
        ) from error
