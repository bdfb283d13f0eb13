"""Whether reads take the same time however much there is: pages of searches over runs, charts over points."""

from dataclasses import replace

from bench import bulk, dataset, reads
from bench.filling import fill_points
from bench.products import MAINSPRING
from bench.servers import Server
from bench.subject import Sample, Size, Subject

SEARCHES = {
    "the newest 100": reads.search_newest,
    "filter on a metric and a param, order by a metric, 100": reads.search_filtered,
    "the newest 1,000": reads.search_long_page,
}
CHARTS = {"series, 320 points": reads.series, "bulk-interval, 320 points": reads.bulk_interval}
DEEP = "100 from the middle, by the page token before"
STRIDES = 20
Figures = dict[str, dict[int, list[Sample]]]  # what is read → how much there is → samples


def searches(database: str, sizes: list[int], rounds: int) -> Figures:
    """Return the CPU milliseconds of each search, with ever more runs in one experiment."""
    found: Figures = {title: {} for title in (*SEARCHES, DEEP)}
    server = Server(MAINSPRING, database)
    try:
        subject = Subject(server, Size(), server.new_experiment())
        held = 0
        for count in sizes:
            bulk.fill(server, subject.experiment, range(held, count))
            held, subject.size = count, replace(subject.size, runs=count)
            token = token_of_the_middle(subject)
            for _ in range(rounds):
                for title, search in SEARCHES.items():
                    found[title].setdefault(count, []).append(search(subject))
                found[DEEP].setdefault(count, []).append(from_the_middle(subject, token))
    finally:
        server.stop()
    return found


def token_of_the_middle(subject: Subject) -> str:
    """Return the token of the page that begins in the middle, found by going there in long pages."""
    body = newest_first(subject) | {"max_results": subject.size.runs // (2 * STRIDES)}
    with subject.server.api() as api:
        for _ in range(STRIDES):
            body["page_token"] = api.post("runs/search", body)["next_page_token"]
    return str(body["page_token"])


def newest_first(subject: Subject) -> dict[str, object]:
    """Return the search that is walked through."""
    return {"experiment_ids": [subject.experiment], "order_by": ["attributes.start_time DESC"]}


def from_the_middle(subject: Subject, token: str) -> Sample:
    """Take a page from the middle of all runs."""
    middle = subject.size.runs - subject.size.runs // (2 * STRIDES) * STRIDES
    query = newest_first(subject) | {"max_results": reads.PAGE, "page_token": token}
    return reads.search(subject, query, dataset.newest(middle, reads.PAGE))


def charts(database: str, sizes: list[int], rounds: int) -> Figures:
    """Return the CPU milliseconds of each chart, of metrics of ever more points."""
    found: Figures = {title: {} for title in CHARTS}
    server = Server(MAINSPRING, database)
    try:
        for count in sizes:
            subject = Subject(server, replace(Size(), points=count))
            fill_points(subject)
            with server.api() as api:
                api.post("runs/update", {"run_id": subject.history_run, "status": "FINISHED"})
            server.settle(calm_windows=5)
            for _ in range(rounds):
                for title, chart in CHARTS.items():
                    found[title].setdefault(count, []).append(chart(subject))
    finally:
        server.stop()
    return found
