"""A double of Gitea: what its API, version 1, is documented to answer, of the projects of the double of GitLab.

Topics are as Gitea has them, without colons and spaces. Tokens are ``gitea-<name>``. Knobs are attributes of ``Gitea``:
``failing`` calls are answered with 502, ``ignores_ranges`` and ``moves_files`` say how files are sent.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.components.ports import free_port, wait_until
from tests.gitlab_double.data import MAINTAINER, REPORTER, Project, User, world

MOVED = {"eo-lab/old-flood-model": "eo-lab/flood-model"}
ZERO = "0001-01-01T00:00:00Z"


def topic_of(text: str) -> str:
    """Return a topic as Gitea can have it."""
    return text.lower().replace(":", "-").replace(" ", "-")


def commit_of(project: Project, ref: str) -> str:
    """Return the id of the commit that a branch, a tag or an id names, empty for none."""
    names = ["main", *(release["tag_name"] for release in project.releases)] if project.files else []
    commits = {name: hashlib.sha1(f"{project.id} {name}".encode()).hexdigest() for name in names}
    return commits.get(ref, ref if ref in commits.values() else "")


class Gitea:
    """What the double knows; ``asked`` are the paths of what it was asked, and with which Authorization."""

    page = 50

    def __init__(self) -> None:
        built = world()
        self.users: dict[str, User] = {f"gitea-{user.username}": user for user in built["users"]}
        self.projects: list[Project] = built["projects"]
        self.asked: list[tuple[str, str]] = []
        self.failing = 0
        self.ignores_ranges = self.moves_files = self.tells_topics = False

    def visible(self, project: Project, user: User | None) -> bool:
        if project.visibility == "public" or (project.visibility == "internal" and user):
            return True
        return user is not None and (user.admin or self.level(project, user) >= REPORTER)

    def level(self, project: Project, user: User) -> int:
        return max(project.members.get(user.id, 0), project.namespace.members.get(user.id, 0))

    def told(self, project: Project, user: User | None) -> dict[str, Any]:
        owner, _, name = project.full_path.replace("eo-lab/level-two", "eo-lab-two").rpartition("/")
        level = self.level(project, user) if user else 0
        told = {
            "id": project.id,
            "owner": {"id": project.namespace.id, "login": owner},
            "name": name,
            "full_name": f"{owner}/{name}",
            "description": project.description or "",
            "empty": not project.files,
            "private": project.visibility == "private",
            "internal": project.visibility == "internal",
            "archived": project.archived,
            "stars_count": len(project.starrers),
            "default_branch": "main",
            "created_at": project.created_at,
            "updated_at": project.last_activity_at,
            "html_url": f"https://gitea.example.org/{owner}/{name}",
            "avatar_url": "",
            "permissions": {"admin": level >= MAINTAINER, "push": level > REPORTER, "pull": True},
        }
        return told | {"topics": [topic_of(topic) for topic in project.topics]} if self.tells_topics else told

    def app(self) -> Starlette:
        """Return the application."""
        repository = "/api/v1/repos/{owner}/{name}"
        routes = [
            Route("/api/v1/repos/search", self.search),
            Route("/api/v1/repositories/{id:int}", self.by_id),
            Route(f"{repository}/topics", self.topics),
            Route(f"{repository}/commits", self.commits),
            Route(f"{repository}/git/trees/{{sha}}", self.tree),
            Route(f"{repository}/media/{{path:path}}", self.media),
            Route(f"{repository}/releases", self.releases),
            Route(repository, self.repository),
            Route("/api/v1/user", self.user),
            Route("/api/v1/user/repos", self.own),
            Route("/api/v1/user/starred/{owner}/{name}", self.star, methods=["PUT", "DELETE"]),
            Route("/store/{oid}", self.stored),
        ]
        return Starlette(routes=[Route(each.path, self.guarded(each), methods=each.methods) for each in routes])

    def guarded(self, route: Route) -> Any:
        async def answer(request: Request) -> Response:
            authorization = request.headers.get("authorization", "")
            self.asked.append((request.url.path, authorization))
            if self.failing:
                self.failing -= 1
                return Response("<html>Bad Gateway</html>", 502)
            if authorization and authorization.removeprefix("token ") not in self.users:
                return JSONResponse({"message": "user does not exist"}, 401)
            request.state.user = self.users.get(authorization.removeprefix("token "))
            request.state.project = None
            if "name" in request.path_params:
                path = f"{request.path_params['owner']}/{request.path_params['name']}"
                if path in MOVED:
                    return RedirectResponse(str(request.url).replace(path, MOVED[path]), 301)
                request.state.project = self.find(path, request.state.user)
                if request.state.project is None:
                    return JSONResponse({"message": "The target couldn't be found."}, 404)
            answered: Response = await route.endpoint(request)
            return answered

        return answer

    def find(self, path: str, user: User | None) -> Project | None:
        found = (each for each in self.projects if self.told(each, user)["full_name"] == path)
        return next((each for each in found if self.visible(each, user)), None)

    def paged(self, request: Request, rows: list[Any]) -> list[Any]:
        size = min(int(request.query_params.get("limit", 30)), self.page)
        start = (int(request.query_params.get("page", 1)) - 1) * size
        return rows[start : start + size]

    async def search(self, request: Request) -> Response:
        query, user = request.query_params, request.state.user
        wanted = set(query["q"].split(",")) if query.get("topic") == "true" else None
        found = [
            each
            for each in self.projects
            if self.visible(each, user) and (wanted is None or wanted & {topic_of(topic) for topic in each.topics})
        ]
        key = {"id": "id", "updated": "last_activity_at"}[query["sort"]]
        found.sort(key=lambda each: getattr(each, key), reverse=query["order"] == "desc")
        return JSONResponse({"ok": True, "data": self.paged(request, [self.told(each, user) for each in found])})

    async def by_id(self, request: Request) -> Response:
        user = request.state.user
        found = [each for each in self.projects if each.id == request.path_params["id"] and self.visible(each, user)]
        return JSONResponse(self.told(found[0], user)) if found else JSONResponse({"message": "not found"}, 404)

    async def repository(self, request: Request) -> Response:
        return JSONResponse(self.told(request.state.project, request.state.user))

    async def topics(self, request: Request) -> Response:
        return JSONResponse({"topics": [topic_of(topic) for topic in request.state.project.topics]})

    async def commits(self, request: Request) -> Response:
        if not request.state.project.files:
            return JSONResponse({"message": "Git Repository is empty."}, 409)
        sha = commit_of(request.state.project, request.query_params["sha"])
        return JSONResponse([{"sha": sha}]) if sha else JSONResponse({"message": "not found"}, 404)

    async def tree(self, request: Request) -> Response:
        project = request.state.project
        if not commit_of(project, request.path_params["sha"]):
            return JSONResponse({"message": "sha not found"}, 400)
        folders = {path.rpartition("/")[0] for path in project.files} - {""}
        rows = [{"path": path, "mode": "040000", "type": "tree", "sha": "0" * 40} for path in folders]
        for path, content in project.files.items():
            sha = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
            rows.append({"path": path, "mode": "100644", "type": "blob", "size": len(content), "sha": sha})
        rows += [{"path": "zlink", "mode": "120000", "type": "blob", "size": 5, "sha": "1" * 40}]
        rows += [{"path": "zmodule", "mode": "160000", "type": "commit", "sha": "2" * 40}]
        rows.sort(key=lambda row: str(row["path"]).encode())
        size, page = 4, int(request.query_params.get("page", 1))
        told = {"sha": "x", "page": page, "total_count": len(rows), "truncated": page * size < len(rows)}
        return JSONResponse(told | {"tree": rows[(page - 1) * size : page * size]})

    async def media(self, request: Request) -> Response:
        project, path = request.state.project, request.path_params["path"]
        content = project.files.get(path)
        if content is None or not commit_of(project, request.query_params["ref"]):
            return JSONResponse({"message": "not found"}, 404)
        large = {oid: each for oid, each in project.lfs.items() if oid.encode() in content}
        for oid, each in large.items():
            if self.moves_files:
                return RedirectResponse(f"http://localhost:{request.url.port}/store/{oid}", 302)
            content = each
        return self.sent(request, content)

    async def stored(self, request: Request) -> Response:
        """Send a large file as a store does that is led to by a signed address: it refuses credentials."""
        if request.headers.get("authorization"):
            return Response("only one auth mechanism allowed", 400)
        (content,) = [
            each.lfs[request.path_params["oid"]]
            for each in self.projects
            if each.lfs.keys() & {request.path_params["oid"]}
        ]
        return self.sent(request, content)

    def sent(self, request: Request, content: bytes) -> Response:
        asked = request.headers.get("range", "")
        headers = {"etag": f'"{hashlib.sha1(content).hexdigest()}"'}
        if not asked or self.ignores_ranges:
            return Response(content, headers=headers)
        first, _, last = asked.removeprefix("bytes=").partition("-")
        part = content[int(first) : int(last) + 1 if last else None]
        if not part:
            return Response(status_code=416, headers={"content-range": f"bytes */{len(content)}"})
        headers["content-range"] = f"bytes {first}-{int(first) + len(part) - 1}/{len(content)}"
        return Response(part, 206, headers)

    async def releases(self, request: Request) -> Response:
        rows = [
            {
                "id": index,
                "tag_name": release["tag_name"],
                "name": release["name"],
                "body": release["description"],
                "draft": False,
                "created_at": release["created_at"],
                "published_at": release["released_at"],
                "assets": [{"name": link["name"], "browser_download_url": link["url"]} for link in release["links"]],
            }
            for index, release in enumerate(reversed(request.state.project.releases))
        ]
        rows.append({"id": 9, "tag_name": "next", "draft": True, "created_at": ZERO, "published_at": ZERO})
        return JSONResponse(self.paged(request, rows if request.state.project.files else []))

    async def user(self, request: Request) -> Response:
        user = request.state.user
        if user is None:
            return JSONResponse({"message": "token is required"}, 401)
        told = {"id": user.id, "login": user.username, "full_name": user.name, "email": user.email}
        return JSONResponse(told | {"is_admin": user.admin, "restricted": user.external})

    async def own(self, request: Request) -> Response:
        user = request.state.user
        found = [self.told(each, user) for each in self.projects if self.level(each, user) >= REPORTER]
        return JSONResponse(self.paged(request, found))

    async def star(self, request: Request) -> Response:
        if request.state.user is None:
            return JSONResponse({"message": "token is required"}, 401)
        starrers = request.state.project.starrers
        (starrers.add if request.method == "PUT" else starrers.discard)(request.state.user.id)
        return Response(status_code=204)


@contextmanager
def gitea() -> Iterator[tuple[str, Gitea]]:
    """Yield the address at which a double listens, and what it knows."""
    double, port = Gitea(), free_port()
    server = uvicorn.Server(uvicorn.Config(double.app(), port=port, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_until(lambda: server.started, f"the double of Gitea at port {port}")
        yield f"http://127.0.0.1:{port}", double
    finally:
        server.should_exit = True
        thread.join(10)
