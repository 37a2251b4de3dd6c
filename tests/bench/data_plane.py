"""Rows of what nginx and the module do: update checks and downloads. All of one row runs in the same
workers; the reference is another location of the same configuration."""
import itertools

from measure import Failure, compare, load_cost

GB = 1e9
MICRO = 1e6
PAIRS = 9


def compare_checks(row, stage, path, reference, headers=()):
    nginx = stage.nginx
    query = path.partition("?")[2]

    def cost(where):
        return lambda: load_cost(nginx.workers, nginx.url(where), headers=headers)
    compare(row, cost(path), cost(f"{reference}?{query}"), PAIRS, scale=MICRO)


def check_anonymous(row, stage):
    compare_checks(row, stage, stage.world.check_path(), "/ref/public")


def check_device(row, stage):
    header = f"Authorization: Bearer {stage.tokens['device_token']}"
    compare_checks(row, stage, stage.device_path, "/ref/device", [header])


def check_growth(row, stage, large):
    path = stage.world.check_path("1.0.0")

    def cost(nginx):
        return lambda: load_cost(nginx.workers, nginx.url(path))
    compare(row, cost(large.second_nginx("")), cost(stage.nginx), PAIRS, scale=MICRO)
    row.note = f"reference: the same with {stage.world.releases} releases"


def large_file(row, stage, tls):
    nginx = stage.nginx
    path = stage.path_of(stage.grant(stage.large))

    def cost(where):
        return lambda: load_cost(nginx.workers, nginx.url(where, tls), "bytes", seconds=2,
                                 connections=4)
    compare(row, cost(path), cost("/ref/large"), PAIRS + 2, scale=GB)


def request_rate(nginx, path, **options):
    """Requests per second of processor time."""
    return lambda: 1 / load_cost(nginx.workers, nginx.url(path), **options)


def small_cached(row, stage):
    path = stage.path_of(stage.grant(stage.small))
    compare(row, request_rate(stage.nginx, path), request_rate(stage.nginx, stage.secure_path()),
            PAIRS)


def small_fresh(row, stage, rounds=5, most=12000):
    """Each token is used once: those of the grants measured before."""
    tokens = stage.granted_paths()
    each = min(tokens // (rounds + 1), most)
    if each < 1000:
        raise Failure(f"only {tokens} tokens were granted")
    starts = itertools.count(0, each)

    def fresh():
        return request_rate(stage.nginx, "/", script="paths.lua",
                            words=[stage.paths_file, next(starts), each])()
    compare(row, fresh, request_rate(stage.nginx, stage.secure_path()), rounds)
