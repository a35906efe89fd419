"""A column of folded names, and the lookup that finds people in it by any of their names, in any order (R54)."""

from collections.abc import Iterable
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Func
from django.db.models.sql.compiler import SQLCompiler

from cps_portal.core.lib.folding import name_words, query_words


class NameWordsField(ArrayField[Any, Any]):
    """What a search of a name may begin with (`name_words`), computed from the columns `sources` whenever it is saved.

    `QuerySet.update` of a source has to write this column too.
    """

    def __init__(self, *, sources: tuple[str, ...], **kwargs: Any) -> None:
        self.sources = sources
        super().__init__(**{"base_field": models.TextField(), "default": list, "editable": False, **kwargs})

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {**kwargs, "sources": self.sources}

    def pre_save(self, model_instance: models.Model, add: bool) -> list[str]:  # noqa: FBT001  # Django's signature
        words = name_words(" ".join(getattr(model_instance, source) for source in self.sources))
        setattr(model_instance, self.attname, words)
        return words


class FoundByName(models.Model):
    """Base of models with such a column: saving only some columns saves it with its sources."""

    class Meta:
        abstract = True

    def save(self, *, update_fields: Iterable[str] | None = None, **kwargs: Any) -> None:
        if update_fields is not None:
            saved = set(update_fields)
            columns = (field for field in self._meta.concrete_fields if isinstance(field, NameWordsField))
            update_fields = saved | {column.name for column in columns if not saved.isdisjoint(column.sources)}
        super().save(update_fields=update_fields, **kwargs)


class Words(Func):
    """The column as a text search vector. It takes the words as they are: the database folds nothing itself."""

    function = "array_to_tsvector"


def words_index(name: str, column: str = "name_words") -> GinIndex:
    """The index that `named` uses."""
    return GinIndex(Words(column), name=name)


@NameWordsField.register_lookup
class Named(models.Lookup[Any]):
    """`name_words__named="Merwe Jan"`: every word typed begins one of the words of the name."""

    lookup_name = "named"
    prepare_rhs = False

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, tuple[Any, ...]]:
        column, params = self.process_lhs(compiler, connection)
        return f"array_to_tsvector({column}) @@ %s::tsquery", (*params, _to_query(str(self.rhs)))


def _to_query(typed: str) -> str:
    """The query in the syntax of PostgreSQL. The words are letters and digits only, so that quotes are enough.

    A query of no words matches nothing.
    """
    alternatives = [" | ".join(f"'{word}':*" for word in words) for words in query_words(typed)]
    return " & ".join(f"({words})" for words in alternatives)
