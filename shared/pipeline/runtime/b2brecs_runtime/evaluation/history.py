"""Who bought what: the pairs of a run as sparse matrices over customers and candidates."""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from scipy import sparse


def tie_order(ids: np.ndarray, seed: int) -> np.ndarray:
    """A permutation of the candidates that depends on their ids and the seed alone.

    Ranking goes through candidates in this order and equal scores keep it, so
    neither the file's order nor the ids' own (which often follows popularity)
    decides a tie.
    """
    key = int(seed).to_bytes(16, "little", signed=True)
    digests = [
        hashlib.blake2b(str(i).encode(), digest_size=8, key=key).digest() for i in ids.tolist()
    ]
    return np.argsort(np.array(digests, dtype="S8"), kind="stable")


@dataclass(frozen=True)
class Index:
    """Positions of ids. `ids` are unique."""

    ids: pd.Index

    @classmethod
    def of(cls, column: pa.ChunkedArray | pa.Array) -> "Index":
        """The index of a column's values in their order; repeated ids raise ValueError."""
        ids = pd.Index(column.to_pandas())
        if not ids.is_unique:
            twice = ids[ids.duplicated()][0]
            raise ValueError(f"id {twice!r} appears more than once in a table of unique ids")
        return cls(ids)

    def __len__(self) -> int:
        return len(self.ids)

    def find(self, column: pa.ChunkedArray | pa.Array) -> np.ndarray:
        """The position of every value, -1 where it is not indexed."""
        codes, uniques = pd.factorize(column.to_pandas())
        positions = self.ids.get_indexer(pd.Index(uniques))
        if len(positions) == 0:
            return np.full(len(codes), -1, np.int64)
        return np.where(codes < 0, -1, positions[codes]).astype(np.int64)


def width(matrix: Any) -> int:
    """The number of columns; scipy's own type says the shape may be None."""
    return int(matrix.shape[1])


def contains(matrix: sparse.csr_matrix, columns: np.ndarray) -> np.ndarray:
    """Whether each row's listed columns are set in it: bool, shaped like `columns`."""
    count, size = len(columns), width(matrix)
    matrix.sort_indices()
    rows = np.repeat(np.arange(count, dtype=np.int64), np.diff(matrix.indptr))
    flat = rows * size + matrix.indices
    if not len(flat):
        return np.zeros(columns.shape, bool)
    wanted = np.arange(count, dtype=np.int64)[:, None] * size + columns
    return flat[np.minimum(np.searchsorted(flat, wanted), len(flat) - 1)] == wanted


def pairs(customers: np.ndarray, products: np.ndarray, shape: tuple[int, int]) -> sparse.csr_matrix:
    """The distinct (customer, product) pairs as a 0/1 matrix; -1 positions are left out."""
    known = (customers >= 0) & (products >= 0)
    flat = np.unique(customers[known] * shape[1] + products[known])
    ones = np.ones(len(flat), np.float32)
    return sparse.csr_matrix((ones, (flat // shape[1], flat % shape[1])), shape=shape)
