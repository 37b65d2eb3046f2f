"""Fills what machines record: visits to the web shop, and the log of who used the administration."""

from typing import Final

import numpy as np

from demo import identifiers
from demo.arrays import Objects, chance, either, handful, id_or_null, ids, objects, pick, scatter, slices
from demo.clock import iso
from demo.goods import ACTIONS
from demo.world import World

USER_AGENTS: Final = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v}.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Linux; Android 13; SM-A546B) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/{v}.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:{v}.0) Gecko/20100101 Firefox/{v}.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:{v}.0) Gecko/20100101 Firefox/{v}.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/{s}.4 Safari/605.1.15",
    "Mozilla/5.0 (iPhone; CPU iPhone OS {s}_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/{s}.1 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/{v}.0.0.0 Safari/537.36 Edg/{v}.0.0.0",
    "Mozilla/5.0 (Linux; Android 12; SAMSUNG SM-G991B) AppleWebKit/537.36 (KHTML, like Gecko) "
    "SamsungBrowser/{s}.0 Chrome/{v}.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "curl/7.{v}.1",
    "-",
    "Opera/9.80 (J2ME/MIDP; Opera Mini/{s}.0/{v}.3; U; nl) Presto/2.8.119",
)
AGENT_SHARES: Final = (22, 18, 4, 7, 8, 18, 8, 6, 4, 2, 1, 1, 1)


def write_sessions(world: World, orders: int) -> None:
    """Three visits for two orders, most by visitors who come more often, one in three logged in."""
    people, calendar, rng = world.people, world.calendar, world.stream("web_session")
    started = calendar.spread(rng, max(60, orders * 3 // 2))
    (future,) = scatter(rng, np.arange(started.size), handful(started.size))
    visitors = max(30, orders // 2)
    cookies = identifiers.cookie_ids(rng, visitors)
    addresses = people.ip[rng.integers(0, len(people), visitors)]
    agents = user_agents(rng, visitors)
    world.shop.dirt.plant("future_session", future.size)
    for part in slices(started.size):
        n = part.stop - part.start
        visitor = (rng.random(n) ** 1.4 * visitors).astype(np.int64)
        known = people.known_at(started[part])
        customer = np.where(chance(rng, 0.33, n) & (known > 0), 1 + (rng.random(n) * known).astype(np.int64), 0)
        shown = started[part].copy()
        elsewhere = people.ip[rng.integers(0, len(people), n)]
        late = future[(future >= part.start) & (future < part.stop)] - part.start
        shown[late] = calendar.future(rng, late.size)
        world.shop.write("web_session", {
            "web_session_id": ids(part.start + 1, n),
            "cookie_id": cookies[visitor],
            "ip_address": either(chance(rng, 0.15, n), elsewhere, addresses[visitor]),
            "user_agent": agents[visitor],
            "customer_id": id_or_null(customer),
            "page_views": rng.geometric(0.18, n),
            "started_at": iso(shown),
            "updated_at": iso(started[part]),
        })  # fmt: skip


def user_agents(rng: np.random.Generator, n: int) -> Objects:
    """What browsers, crawlers and odd clients call themselves."""
    versions, small = rng.integers(60, 140, n).tolist(), rng.integers(11, 18, n).tolist()
    shapes = pick(rng, USER_AGENTS, n, AGENT_SHARES).tolist()
    return objects([shape.format(v=v, s=s) for shape, v, s in zip(shapes, versions, small, strict=True)])


def write_access_log(world: World, orders: int) -> None:
    """Who of the staff did what, and the break-ins that were stopped."""
    rng = world.stream("access_log")
    moments = world.calendar.spread(rng, max(40, orders // 20))
    n = moments.size
    world.shop.write("access_log", {
        "access_log_id": ids(1, n),
        "actor": [f"medewerker{number:03d}" for number in rng.integers(1, 40, n).tolist()],
        "action": pick(rng, ACTIONS, n, (40, 8, 35, 8, 6, 3)),
        "ip_address": identifiers.ip_addresses(rng, n),
        "at": iso(moments),
        "updated_at": iso(moments),
    })  # fmt: skip
