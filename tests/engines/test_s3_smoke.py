"""A short look at S3 on Ceph's gateway, for every run of the tests; the contract suite asks it everything."""

import asyncio
import os

import httpx

from mainspring.engines.blobs import open_store
from mainspring.kit.errors import NotFound
from tests.components.rgw import KMS_KEY
from tests.engines.stores import MIB, all_paths, chunks, content, many, refused


def test_a_bucket_holds_artifacts(bucket: str) -> None:
    store = open_store(f"s3://{bucket}/prefix?sse=aws:kms&kms_key_id={KMS_KEY}")
    data = os.urandom(6 * MIB)

    async def scenario() -> None:
        await store.check()
        stored = await store.put("a/é 1.bin", chunks(data))
        assert stored == await store.head("a/é 1.bin")
        assert await content(store, "a/é 1.bin") == data
        assert await content(store, "a/é 1.bin", 5 * MIB, 5 * MIB + 3) == data[5 * MIB : 5 * MIB + 3]
        await refused(NotFound, store.head("a"))

        put = await store.sign_put("a/signed", 60)
        assert httpx.put(put.url, headers=put.headers, content=b"signed").status_code == 200
        get = await store.sign_get("a/signed", 60)
        assert httpx.get(get.url, headers=get.headers).content == b"signed"
        assert httpx.get(get.url.replace("a/signed", "a/other")).status_code == 403

        upload = await store.create_multipart("b/parts")
        first = await store.put_part("b/parts", upload, 1, many(80))
        signed = await store.sign_part("b/parts", upload, 2, 60)
        assert httpx.put(signed.url, headers=signed.headers, content=b"end").status_code == 200
        parts = await store.list_parts("b/parts", upload)
        assert (parts[0], len(parts)) == (first, 2)
        done = await store.complete_multipart("b/parts", upload, parts)
        assert await store.complete_multipart("b/parts", upload, parts) == done
        assert await content(store, "b/parts", first.size) == b"end"
        assert [upload async for upload in store.list_multiparts()] == []

        page = await store.list_page("", None, 1)
        rest = await store.list_page("", page.next, 1)
        assert [entry.path for entry in page.entries + rest.entries] == ["a", "b"]
        await store.delete_prefix("a")
        assert await all_paths(store) == ["b/parts"]
        await store.close()

    asyncio.run(scenario())
