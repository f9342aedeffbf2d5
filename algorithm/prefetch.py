"""Reading ahead: tiles are read and resampled on other threads while the engine computes."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


def ahead(
    read: Callable[[Key], Value], keys: Iterable[Key], *, workers: int = 2, waiting: int = 3
) -> Generator[tuple[Key, Value], None, None]:
    """Yield (key, read(key)) in the order of the keys; at most `waiting` results are held beyond the current one."""
    remaining = iter(keys)
    with ThreadPoolExecutor(workers, thread_name_prefix="reader") as pool:
        under_way: deque[tuple[Key, Future[Value]]] = deque()
        try:
            for key in islice(remaining, waiting):
                under_way.append((key, pool.submit(read, key)))
            while under_way:
                key, future = under_way.popleft()
                value = future.result()
                for following in islice(remaining, 1):
                    under_way.append((following, pool.submit(read, following)))
                yield key, value
        finally:
            for _, future in under_way:
                future.cancel()
