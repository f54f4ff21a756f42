"""What makes a city's traffic look like that city's: its districts.

Each district draws journeys (`weight`), spreads over some kilometres (`sigma_km`, a normal distribution), lets drivers
go at some speed and has its streets laid out at an angle. The positions are those of the real districts, so that
simulated drivers keep to the land; a place that is not listed gets districts of the same kinds, drawn from its name.
"""

import random
from dataclasses import dataclass

from heatmap.cities import City


@dataclass(frozen=True)
class District:
    """Part of a city.

    Attributes:
        lat, lon: its middle, degrees.
        sigma_km: standard deviation of the journeys' ends around it, kilometres.
        weight: its share of the journeys, relative to the others.
        speed_kmh: what drivers usually reach between two crossings.
        grid_deg: heading of one of its two directions of streets, degrees clockwise from north, 0 to 90.
    """

    lat: float
    lon: float
    sigma_km: float
    weight: float
    speed_kmh: float
    grid_deg: float


_KNOWN: dict[str, tuple[tuple[float, float, float, float, float, float], ...]] = {
    "lagos": (
        (6.4550, 3.3900, 1.4, 22, 18, 25),  # Lagos Island
        (6.4310, 3.4220, 1.5, 14, 24, 10),  # Victoria Island
        (6.4440, 3.4780, 2.0, 8, 32, 5),  # Lekki
        (6.5080, 3.3700, 1.8, 14, 22, 40),  # Yaba
        (6.4960, 3.3500, 1.6, 10, 22, 70),  # Surulere
        (6.6000, 3.3490, 2.2, 14, 28, 15),  # Ikeja
        (6.5400, 3.2900, 2.8, 8, 30, 55),  # Isolo
        (6.6190, 3.3150, 2.4, 6, 30, 30),  # Agege
        (6.6180, 3.5080, 2.2, 3, 38, 60),  # Ikorodu
        (6.4680, 3.2850, 2.2, 4, 34, 80),  # Festac
    ),
    "nairobi": (
        (-1.2850, 36.8220, 1.2, 26, 18, 30),  # Central business district
        (-1.2650, 36.8040, 1.5, 14, 26, 50),  # Westlands
        (-1.2980, 36.7880, 1.6, 12, 26, 10),  # Kilimani
        (-1.2740, 36.8520, 1.8, 12, 24, 70),  # Eastleigh
        (-1.3180, 36.8480, 2.2, 10, 32, 45),  # Industrial Area
        (-1.2850, 36.8900, 2.4, 10, 30, 20),  # Embakasi
        (-1.2200, 36.8850, 2.6, 6, 38, 60),  # Kasarani
        (-1.3300, 36.7200, 2.6, 4, 42, 35),  # Karen
    ),
    "london": (
        (51.5120, -0.1250, 2.0, 24, 14, 20),  # West End
        (51.5140, -0.0880, 1.4, 14, 13, 35),  # City
        (51.5050, -0.0200, 1.6, 8, 22, 5),  # Docklands
        (51.4960, -0.1750, 1.8, 9, 18, 40),  # Kensington
        (51.5430, -0.1430, 2.0, 8, 20, 60),  # Camden
        (51.4630, -0.1140, 2.4, 8, 22, 75),  # Brixton
        (51.5420, -0.0030, 2.4, 7, 26, 15),  # Stratford
        (51.3740, -0.0980, 3.0, 5, 30, 50),  # Croydon
        (51.4720, -0.4500, 1.8, 5, 45, 0),  # Heathrow
        (51.5130, -0.3050, 3.0, 5, 30, 30),  # Ealing
    ),
    "liverpool": (
        (53.4070, -2.9820, 1.0, 30, 20, 35),  # City centre
        (53.4060, -2.9500, 1.2, 10, 26, 60),  # Edge Hill
        (53.4310, -2.9600, 1.4, 12, 28, 20),  # Anfield
        (53.3870, -2.9330, 1.5, 10, 30, 45),  # Wavertree
        (53.4680, -2.9450, 1.8, 9, 34, 70),  # Aintree
        (53.4520, -2.9000, 2.0, 6, 38, 10),  # Croxteth
        (53.3900, -3.0250, 1.4, 7, 30, 50),  # Birkenhead
        (53.3480, -2.8800, 1.6, 5, 42, 25),  # Speke
    ),
    "beijing": (
        (39.9080, 116.3970, 3.0, 16, 20, 0),  # Dongcheng and Xicheng
        (39.9090, 116.4600, 2.0, 18, 22, 0),  # Central business district
        (39.9830, 116.3110, 2.2, 14, 26, 2),  # Zhongguancun
        (39.9340, 116.4540, 1.6, 10, 22, 0),  # Sanlitun
        (39.9990, 116.4750, 2.4, 8, 32, 40),  # Wangjing
        (39.8650, 116.3780, 2.0, 7, 30, 0),  # Beijing South railway station
        (39.8300, 116.2900, 3.0, 6, 38, 45),  # Fengtai
        (40.0730, 116.5950, 1.6, 5, 55, 65),  # Capital airport
        (39.9050, 116.6600, 2.8, 5, 42, 20),  # Tongzhou
        (40.0700, 116.3300, 3.0, 5, 42, 5),  # Huilongguan
    ),
    "sao-paulo": (
        (-23.5480, -46.6360, 1.6, 22, 16, 30),  # Centro
        (-23.5620, -46.6560, 1.4, 18, 18, 45),  # Avenida Paulista
        (-23.5950, -46.6860, 1.8, 14, 22, 15),  # Itaim and Vila Olímpia
        (-23.5610, -46.6910, 1.6, 9, 24, 60),  # Pinheiros
        (-23.5010, -46.6250, 2.0, 8, 28, 75),  # Santana
        (-23.5400, -46.5760, 2.2, 8, 28, 20),  # Tatuapé
        (-23.6500, -46.7050, 2.4, 7, 30, 50),  # Santo Amaro
        (-23.4350, -46.4780, 1.6, 4, 50, 35),  # Guarulhos airport
        (-23.6600, -46.5300, 3.0, 6, 34, 10),  # Santo André
    ),
    "san-francisco": (
        (37.7880, -122.4060, 1.2, 26, 18, 10),  # Union Square and the Financial District
        (37.7600, -122.4180, 1.2, 14, 22, 5),  # Mission
        (37.7790, -122.4700, 1.6, 8, 26, 0),  # Richmond
        (37.6190, -122.3850, 1.2, 8, 50, 45),  # San Francisco airport
        (37.8050, -122.2700, 1.8, 12, 26, 30),  # Oakland
        (37.8700, -122.2680, 1.6, 7, 26, 15),  # Berkeley
        (37.5620, -122.3240, 2.0, 5, 38, 50),  # San Mateo
        (37.4440, -122.1600, 2.2, 7, 38, 35),  # Palo Alto
        (37.3360, -121.8900, 2.6, 12, 32, 55),  # San José
    ),
}

# Most of a city lies outside any centre; this share of the journeys ends there, spread this much wider.
EDGE_SHARE = 0.08
EDGE_SPREAD = 2.5


def districts(city: City) -> tuple[District, ...]:
    """The districts of a city; the same ones whenever it is asked for."""
    if city.name in _KNOWN:
        return tuple(District(*values) for values in _KNOWN[city.name])
    return _invented(city)


def _invented(city: City) -> tuple[District, ...]:
    """A dense centre and six sub-centres around it, within a town's distance of the middle of the box."""
    chance = random.Random(city.name)  # noqa: S311 - scenery
    box = city.bbox
    middle_lat, middle_lon = (box.south + box.north) / 2, (box.west + box.east) / 2
    height, width = min(box.north - box.south, 0.5), min(box.east - box.west, 0.5)
    subcentres = (
        District(
            lat=middle_lat + chance.uniform(-0.4, 0.4) * height,
            lon=middle_lon + chance.uniform(-0.4, 0.4) * width,
            sigma_km=chance.uniform(1.2, 3),
            weight=chance.uniform(4, 12),
            speed_kmh=chance.uniform(26, 46),
            grid_deg=chance.uniform(0, 90),
        )
        for _ in range(6)
    )
    return (District(middle_lat, middle_lon, 1.4, 30, 18, chance.uniform(0, 90)), *subcentres)
