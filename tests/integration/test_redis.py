"""Limits of two nodes in one Redis: what one has counted the other knows; and whatever happens to Redis,
nobody gets more attempts for it and everybody is answered."""
import contextlib
import re
import subprocess

import pytest

import control
import slipway
from control import PASSWORD
from redis_server import Redis
from slipway import SLIPWAY, wait_until

ATTEMPTS = 6
# After them one is let through after a second, the next after two more, the third after four more: a
# slow machine may see the first two of these, and nobody who was forgiven is content with so few.
FEW = 2


def node(stack, url, database="sqlite", beside=None, settings=(), wait=True):
    running = control.Control(database, [f"redis.url={url}", f"login.attempts={ATTEMPTS}", *settings], beside=beside)
    stack.callback(running.close)
    return running.start() if wait else running


@pytest.fixture(scope="module")
def pair(postgresql, redis):
    """Two nodes over one PostgreSQL and one Redis."""
    with contextlib.ExitStack() as stack:
        database = postgresql()
        settings = ["database.sessions=8", "limit.account=2", "limit.key=2"]
        one = node(stack, redis.url, database, settings=settings)
        one.token = one.api("POST", "/admin/keys", {"name": "many", "permissions": ["self.read"]},
                            one.administrator(), 201)["key"]
        yield one, node(stack, redis.url, database, beside=one, settings=settings)


people = (f"person{n}@example.com" for n in range(1, 1000))
networks = (f"198.51.{n // 250}.{n % 250 + 1}" for n in range(1, 1000))


def guess(plane, email, address):
    """The status of a sign-in with a wrong password."""
    return plane.request("POST", "/api/v1/auth/login", {"email": email, "password": "wrong"},
                         headers={"X-Slipway-Client-Address": address}).status


def let_through(plane, email, address):
    """How many guesses are answered before one is refused."""
    for n in range(ATTEMPTS):
        if guess(plane, email, address) == 429:
            return n
    return ATTEMPTS


def exhaust(email, address, *planes):
    """Guesses on the nodes in turn until there are no attempts left: as many as one node alone permits."""
    for n in range(ATTEMPTS):
        assert guess(planes[n % len(planes)], email, address) == 401
    assert all(let_through(plane, email, address) <= FEW for plane in planes)


def redis_word(plane):
    """What /readyz says of Redis, which never makes it unready."""
    answer = plane.request("GET", "/readyz")
    assert answer.status == 200
    return answer.json["redis"]


def metric(plane, name):
    text = plane.request("GET", "/metrics").body.decode()
    return sum(float(value) for value in re.findall(rf"^{re.escape(name)}(?:{{.*}})? (\S+)$", text, re.M))


def messages(plane, part):
    return [line["message"] for line in plane.log_lines() if part in line["message"]]


# Together -------------------------------------------------------------------------------------------

def test_failed_sign_ins_are_counted_together(pair):
    exhaust(next(people), next(networks), *pair)


def test_a_success_here_forgives_there(pair):
    one, other = pair
    email, address = next(people), next(networks)
    one.account(one.administrator(), email)
    for _ in range(2):
        for plane in (one, other, one, other, one):
            assert guess(plane, email, address) == 401
        assert other.request("POST", "/api/v1/auth/login", {"email": email, "password": PASSWORD},
                             headers={"X-Slipway-Client-Address": address}).status == 200


def left(answer):
    return int(re.search(r";r=(\d+);", answer.headers["RateLimit"])[1])


def test_requests_of_an_account_are_counted_together(pair):
    one, other = pair
    email = next(people)
    one.account(one.administrator(), email)
    token = one.login(email)["access_token"]
    wait_until(lambda: other.request("GET", "/api/v1/me", token=token).status == 200, "the account there")
    # 20 at once, of which some have come back meanwhile.
    answers = []
    for n in range(100):
        answers.append((one, other)[n % 2].request("GET", "/api/v1/me", token=token))
        if answers[-1].status == 429:
            break
    assert answers[-1].status == 429 and left(answers[-1]) == 0
    assert left(one.request("GET", "/api/v1/me", token=token)) <= 2
    assert left(other.request("GET", "/api/v1/me", token=token)) <= 2


def test_requests_of_a_key_are_counted_together(pair):
    one, other = pair
    key = one.api("POST", "/admin/keys", {"name": "a job", "permissions": ["self.read"]},
                  one.administrator(), 201)["key"]
    for _ in range(100):
        if one.request("GET", "/api/v1/me", token=key).status == 429:
            break
    else:
        pytest.fail("nobody is refused")
    assert left(other.request("GET", "/api/v1/me", token=key)) <= 2


# Trouble --------------------------------------------------------------------------------------------

@pytest.fixture(params=[("stop", "start"), ("pause", "resume")], ids=["killed", "hung"])
def outage(request, redis):
    """What takes Redis away and what brings it back."""
    away, back = request.param
    yield lambda: redis.tell(away), lambda: redis.tell(back)


def test_while_redis_is_away_each_node_goes_on_from_what_it_knew(pair, redis, outage):
    one, other = pair
    take_away, bring_back = outage
    known, fresh, address = next(people), next(people), next(networks)
    exhaust(known, address, one, other)
    asked = metric(one, "slipway_redis_call_seconds_count")
    take_away()
    try:
        assert all(let_through(plane, known, address) <= FEW for plane in pair)
        exhaust(fresh, address, one)
        exhaust(fresh, address, other)
        assert redis_word(one) == redis_word(other) == "unavailable"
        assert metric(one, 'slipway_circuit_open{service="redis"}') == 1
        # Nobody waits for Redis but the first three and a probe now and then.
        before = metric(one, "slipway_limits_counted_here_total")
        for _ in range(30):
            assert one.request("GET", "/api/v1/me", token=one.token).status in (200, 429)
        assert metric(one, "slipway_limits_counted_here_total") - before >= 30
        assert metric(one, "slipway_redis_call_seconds_count") - asked < 30
    finally:
        bring_back()
    for plane in pair:
        wait_until(lambda: redis_word(plane) == "ok", "Redis to be used again")
        assert metric(plane, 'slipway_circuit_open{service="redis"}') == 0
    assert all(let_through(plane, known, address) <= FEW for plane in pair)
    exhaust(next(people), next(networks), *pair)


def test_guesses_during_an_outage_count_on_the_other_node_afterwards(pair, redis):
    one, other = pair
    email, address = next(people), next(networks)
    redis.tell("stop")
    exhaust(email, address, one)
    redis.tell("start")
    for plane in pair:
        wait_until(lambda: redis_word(plane) == "ok", "Redis to be used again")
    assert guess(one, email, address) in (401, 429), "it says what it knows"
    assert let_through(other, email, address) <= FEW


def test_a_redis_that_has_forgotten_everything_forgives_nobody(pair, redis):
    email, address = next(people), next(networks)
    exhaust(email, address, *pair)
    redis.cli("FLUSHALL")
    assert all(let_through(plane, email, address) <= FEW for plane in pair)
    redis.tell("stop")
    redis.tell("start")
    assert all(let_through(plane, email, address) <= FEW for plane in pair)


def test_the_log_has_one_line_when_redis_goes_and_one_when_it_is_back(redis):
    with contextlib.ExitStack() as stack:
        plane = node(stack, redis.url)
        for n in range(1, 3):
            redis.tell("stop")
            assert {redis_word(plane) for _ in range(10)} == {"unavailable"}
            assert len(messages(plane, "Redis is away")) == n
            assert len(messages(plane, "Redis is back")) == n - 1
            redis.tell("start")
            wait_until(lambda: redis_word(plane) == "ok", "Redis to be used again")
            assert len(messages(plane, "Redis is back")) == n


def test_a_node_starts_without_redis_and_finds_it_later(redis):
    with contextlib.ExitStack() as stack:
        redis.tell("stop")
        plane = node(stack, redis.url)
        assert messages(plane, "Redis does not answer yet")
        exhaust(next(people), next(networks), plane)
        redis.tell("start")
        wait_until(lambda: redis_word(plane) == "ok", "Redis to be used")
        exhaust(next(people), next(networks), plane)


# Rights and secrets ---------------------------------------------------------------------------------

SECRET = "s3cret-of-redis"


@pytest.fixture(scope="module")
def narrow(redis):
    """The user of docs/operations.md."""
    text = (slipway.ROOT / "docs" / "operations.md").read_text()
    command = re.search(r"^    (ACL SETUSER slipway .*)$", text, re.M)[1].replace("PASSWORD", SECRET)
    redis.cli(*command.split())
    return "slipway"


def secured(redis, user, password):
    return redis.url.replace("redis+unix://", f"redis+unix://{user}:{password}@")


def test_the_documented_user_suffices_and_may_nothing_else(redis, narrow):
    with contextlib.ExitStack() as stack:
        plane = node(stack, secured(redis, narrow, SECRET))
        assert redis_word(plane) == "ok"
        plane.account(plane.administrator(), "right@example.com")
        address = next(networks)
        for _ in range(2):
            assert guess(plane, "right@example.com", address) == 401
            assert plane.request("POST", "/api/v1/auth/login",
                                 {"email": "right@example.com", "password": PASSWORD},
                                 headers={"X-Slipway-Client-Address": address}).status == 200
        exhaust(next(people), address, plane)
        assert metric(plane, "slipway_redis_failures_total") == 0
        assert metric(plane, "slipway_limits_counted_here_total") == 0
    for words in (["GET", "other"], ["SET", "other", "1"], ["KEYS", "*"], ["FLUSHALL"], ["CONFIG", "GET", "*"],
                  ["ACL", "LIST"], ["EVAL", "return redis.call('GET', 'other')", "0"], ["INFO"]):
        said = redis.cli(*words, user=narrow, password=SECRET)
        assert said.startswith(("NOPERM ", "ERR The user executing the script can't ")), (words, said)


def doctor(plane, *settings):
    done = subprocess.run([SLIPWAY, "doctor", "--data", plane.data], capture_output=True, text=True, timeout=60,
                          env={**dict(s.split("=", 1) for s in settings), "PATH": "/usr/bin", "HOME": str(plane.dir)})
    return done.stdout + done.stderr


def test_a_wrong_password_is_said_never_shown_and_lets_nobody_in(redis, narrow):
    wrong = "wr0ng-secret"
    with contextlib.ExitStack() as stack:
        url = secured(redis, narrow, wrong)
        plane = node(stack, url)
        exhaust(next(people), next(networks), plane)
        assert redis_word(plane) == "unavailable"
        assert metric(plane, "slipway_redis_failures_total") >= 3
        log = plane.log.read_text()
        assert "WRONGPASS" in log and wrong not in log
        said = doctor(plane, f"SLIPWAY_REDIS_URL={url}")
        assert re.search(r"redis +warning .*slipway@.*WRONGPASS", said) and wrong not in said
        said = doctor(plane, f"SLIPWAY_REDIS_URL={secured(redis, narrow, SECRET)}")
        assert re.search(r"redis +ok .*slipway@", said) and SECRET not in said


def test_a_new_password_in_the_file_needs_no_restart(redis, narrow, tmp_path):
    file = tmp_path / "redis-password"
    file.write_text("not yet\n")
    file.chmod(0o600)
    with contextlib.ExitStack() as stack:
        plane = node(stack, secured(redis, narrow, "").replace(":@", "@"),
                     settings=[f"redis.password_file={file}"])
        assert redis_word(plane) == "unavailable"
        file.write_text(SECRET + "\n")
        wait_until(lambda: redis_word(plane) == "ok", "the new password")
        file.chmod(0o644)
        said = doctor(plane, f"SLIPWAY_REDIS_URL={secured(redis, narrow, '').replace(':@', '@')}",
                      f"SLIPWAY_REDIS_PASSWORD_FILE={file}")
        assert f"{file} is open to others" in said


@pytest.mark.parametrize("url", ["rediss://127.0.0.1", "redis://:pa55word@127.0.0.1:none", "127.0.0.1:6379"])
def test_a_url_that_is_none_stops_the_start_and_is_not_repeated(url):
    with contextlib.ExitStack() as stack:
        plane = node(stack, url, wait=False)
        done = subprocess.run([SLIPWAY, "control", "--data", plane.data, "--set", f"redis.url={url}"],
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == 2
        assert '"redis.url" is not valid, expected redis://' in done.stderr
        assert "pa55word" not in done.stderr and url not in done.stderr


def test_over_tcp_in_a_database_of_its_own():
    port = slipway.free_port()
    redis = Redis("--bind", "127.0.0.1", "--port", port)
    try:
        with contextlib.ExitStack() as stack:
            plane = node(stack, f"redis://127.0.0.1:{port}/3")
            exhaust(next(people), next(networks), plane)
            assert redis_word(plane) == "ok"
            assert redis.content() == {}
            assert redis.cli("-n", 3, "DBSIZE") != "0"
    finally:
        redis.close()


def test_nothing_in_redis_says_who_was_where(pair, redis):
    one, _ = pair
    email, address = next(people), next(networks)
    account = one.account(one.administrator(), email)
    token = one.login(email)["access_token"]
    assert one.request("GET", "/api/v1/me", token=token).status == 200
    exhaust(email, address, *pair)
    content = redis.content()
    assert len(content) > 4, "where is what was counted?"
    for key, value in content.items():
        assert re.fullmatch(r"slipway:(memory|(throttle|quota):[A-Za-z0-9_-]{22})", key), key
        assert re.fullmatch(r"\d+( \d+)?", value), value
        # All but the name of the memory ends by itself.
        assert key == "slipway:memory" or int(redis.cli("TTL", key)) > 0
    text = str(content)
    for secret in (email, "person", "example", address, "198.51", account["id"], account["id"][4:]):
        assert secret not in text
