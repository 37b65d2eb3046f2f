"""Fills what people show or want to hear in public: reviews, social media contacts, newsletter subscriptions."""

import numpy as np

from demo.arrays import Objects, chance, either, handful, id_or_null, ids, objects, pick, scatter
from demo.clock import DAY, NEVER, iso
from demo.goods import PLATFORMS
from demo.orders import Orders
from demo.pools import ascii_form
from demo.texts import Author
from demo.world import FAR, World


def write_reviews(world: World, orders: Orders, products: int) -> None:
    """About one review for twenty orders, one in three without an account; some of products that do not exist."""
    calendar, people, rng = world.calendar, world.people, world.stream("review")
    n = max(24, len(orders) // 20)
    old_enough = np.flatnonzero(orders.placed < calendar.end - 60 * DAY)
    order = old_enough[rng.integers(0, old_enough.size, n)]
    created = calendar.inside(rng, orders.placed[order] + rng.integers(4 * DAY, 55 * DAY, n))
    edges = calendar.edges(rng, n // 6)
    created[10 : 10 + edges.size] = edges
    order[10 : 10 + edges.size] = np.maximum(np.searchsorted(orders.placed, edges - 5 * DAY) - 1, 0)
    product = 1 + (rng.random(n) ** 1.5 * products).astype(np.int64)
    orphans = handful(n)
    product[n - orphans :] += products + FAR
    world.shop.dirt.plant("orphan_review", orphans)
    person, scribe = orders.person[order], world.scribe("review")
    about = zip(person.tolist(), order.tolist(), strict=True)
    world.shop.write("review", {
        "review_id": ids(1, n),
        "customer_id": id_or_null(np.where(chance(rng, 0.3, n), 0, orders.customer_ids(order))),
        "product_id": product,
        "nickname": _nicknames(rng, world, people.first[person]),
        "rating": pick(rng, (1, 2, 3, 4, 5), n, (8, 7, 15, 30, 40)),
        "body": [scribe.write("body", i, Author(p, orders.number(o))) for i, (p, o) in enumerate(about, 1)],
        "created_at": iso(created),
        "updated_at": iso(created),
    })  # fmt: skip


def write_social_contacts(world: World, orders: Orders) -> None:
    """About one contact for a hundred orders, by anybody; the shop seldom learns an e-mail address."""
    people, rng = world.people, world.stream("social_contact")
    n = max(12, len(orders) // 100)
    moments = world.calendar.spread(rng, n)
    person = np.where(
        chance(rng, 0.5, n), rng.integers(people.customers, len(people), n), rng.integers(0, people.customers, n)
    )
    cities = [place.city for place in people.place[person].tolist()]
    scribe = world.scribe("social_contact")
    emails = either(chance(rng, 0.4, n), people.email[person], None)
    emails[chance(rng, 0.1, n)] = ""
    world.shop.write("social_contact", {
        "social_contact_id": ids(1, n),
        "platform": pick(rng, PLATFORMS, n),
        "user_name": _nicknames(rng, world, people.first[person]),
        "residence": either(chance(rng, 0.7, n), cities, pick(rng, world.pools.towns, n)),
        "email": emails,
        "gender": either(chance(rng, 0.5, n), None, either(people.male[person], "m", "v")),
        "message": [scribe.write("message", i, Author(p)) for i, p in enumerate(person.tolist(), 1)],
        "created_at": iso(moments),
        "updated_at": iso(moments),
    })  # fmt: skip


def _nicknames(rng: np.random.Generator, world: World, first: Objects) -> Objects:
    """A word or, against all advice, one's own first name; always digits at the end."""
    n = len(first)
    own = objects([ascii_form(name) for name in first.tolist()])
    words = either(chance(rng, 0.25, n), own, pick(rng, world.pools.words, n)).tolist()
    return objects(
        [f"{word}{number}" for word, number in zip(words, rng.integers(100, 99_999, n).tolist(), strict=True)]
    )


def write_subscriptions(world: World) -> None:
    """One subscription for five customers, three quarters of them by account; a quarter ended."""
    people, calendar, rng = world.people, world.calendar, world.stream("newsletter_subscription")
    n = max(10, people.customers // 5)
    reachable = np.flatnonzero(~people.unreachable[: people.customers])
    holders, strangers = (
        scatter(rng, reachable, n * 3 // 4)[0],
        people.customers + rng.integers(0, len(people) - people.customers, n - n * 3 // 4),
    )
    person = rng.permutation(np.concatenate([holders, strangers]))
    since = np.append(people.created, np.full(len(people) - people.customers, calendar.start))[person]
    subscribed = since + (rng.random(n) * (calendar.end - since)).astype(np.int64)
    ended = calendar.later(rng, subscribed, DAY, 900 * DAY)
    ended[chance(rng, 0.6, n)] = NEVER
    first_to_leave = int(np.argmin(subscribed))
    ended[first_to_leave] = (subscribed[first_to_leave] + calendar.end) // 2
    world.shop.write("newsletter_subscription", {
        "newsletter_subscription_id": ids(1, n),
        "email": people.email[person],
        "customer_id": id_or_null(people.customer_ids(person)),
        "subscribed_at": iso(subscribed),
        "unsubscribed_at": iso(ended),
        "updated_at": iso(np.where(ended == NEVER, subscribed, ended)),
    })  # fmt: skip
