"""Dutch cities with the range of their postcodes and their province, and a few places abroad."""

from typing import NamedTuple


class Place(NamedTuple):
    """A city as an address needs it; `province` is None abroad."""

    city: str
    low: int
    high: int
    province: str | None
    country: str = "NL"


_BY_PROVINCE = {
    "Noord-Holland": "Amsterdam 1011 1109,Haarlem 2011 2037,Alkmaar 1811 1827,Hilversum 1211 1223,"
    "Zaandam 1501 1509,Den Helder 1781 1789",
    "Zuid-Holland": "Rotterdam 3011 3089,Den Haag 2511 2597,Leiden 2311 2334,Delft 2611 2629,Dordrecht 3311 3329,"
    "Gouda 2801 2809,Zoetermeer 2711 2729",
    "Utrecht": "Utrecht 3511 3585,Amersfoort 3811 3829,Veenendaal 3901 3907,Zeist 3701 3709,Nieuwegein 3431 3439",
    "Noord-Brabant": "Eindhoven 5611 5658,Tilburg 5011 5049,Breda 4811 4839,'s-Hertogenbosch 5211 5237,"
    "Helmond 5701 5709,Roosendaal 4701 4709",
    "Limburg": "Maastricht 6211 6229,Venlo 5911 5928,Heerlen 6411 6422,Roermond 6041 6049,Sittard 6131 6137",
    "Gelderland": "Arnhem 6811 6846,Nijmegen 6511 6546,Apeldoorn 7311 7339,Ede 6711 6718,Zutphen 7201 7207,"
    "Doetinchem 7001 7009",
    "Overijssel": "Zwolle 8011 8049,Enschede 7511 7548,Deventer 7411 7429,Almelo 7601 7611,Hengelo 7551 7559",
    "Groningen": "Groningen 9711 9747,Veendam 9641 9648,Delfzijl 9931 9937",
    "Friesland": "Leeuwarden 8911 8941,Sneek 8601 8608,Heerenveen 8441 8449,Drachten 9201 9207",
    "Drenthe": "Assen 9401 9408,Emmen 7811 7828,Hoogeveen 7901 7909,Meppel 7941 7944",
    "Flevoland": "Almere 1311 1363,Lelystad 8211 8245,Dronten 8251 8254",
    "Zeeland": "Middelburg 4331 4339,Vlissingen 4381 4389,Goes 4461 4465,Terneuzen 4531 4539",
}

PROVINCES = tuple(_BY_PROVINCE)


def _dutch() -> list[Place]:
    """The cities of the table above."""
    found = []
    for province, cities in _BY_PROVINCE.items():
        for entry in cities.split(","):
            city, low, high = entry.rsplit(" ", 2)
            found.append(Place(city, int(low), int(high), province))
    return found


DUTCH: tuple[Place, ...] = tuple(_dutch())
ABROAD_BE = (1000, 9990, "BE")
ABROAD_DE = (10_115, 99_998, "DE")


def abroad(cities: list[str], low: int, high: int, country: str) -> list[Place]:
    """Cities of a neighbouring country, whose postcodes are numbers."""
    return [Place(city, low, high, None, country) for city in cities]
