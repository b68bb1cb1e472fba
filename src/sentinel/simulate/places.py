"""Where people are: Chinese cities by weight, and places abroad from where attacks come."""

from typing import NamedTuple

import numpy as np


class Place(NamedTuple):
    """A city: degrees, ISO country, and the first two octets of its IP addresses."""

    name: str
    lat: float
    lon: float
    country: str
    network: str


CITIES = (
    Place("Shanghai", 31.2304, 121.4737, "CN", "116.228"),
    Place("Beijing", 39.9042, 116.4074, "CN", "114.246"),
    Place("Shenzhen", 22.5431, 114.0579, "CN", "113.87"),
    Place("Guangzhou", 23.1291, 113.2644, "CN", "113.65"),
    Place("Chongqing", 29.5630, 106.5516, "CN", "113.204"),
    Place("Chengdu", 30.5728, 104.0668, "CN", "118.112"),
    Place("Tianjin", 39.3434, 117.3616, "CN", "117.8"),
    Place("Wuhan", 30.5928, 114.3055, "CN", "119.97"),
    Place("Hangzhou", 30.2741, 120.1551, "CN", "115.193"),
    Place("Xi'an", 34.3416, 108.9398, "CN", "117.32"),
    Place("Nanjing", 32.0603, 118.7969, "CN", "117.88"),
    Place("Shenyang", 41.8057, 123.4315, "CN", "113.224"),
    Place("Kunming", 24.8801, 102.8329, "CN", "116.52"),
    Place("Harbin", 45.8038, 126.5350, "CN", "113.0"),
    Place("Urumqi", 43.8256, 87.6168, "CN", "110.152"),
)
CITY_SHARE = np.array([25, 22, 18, 19, 16, 17, 13, 13, 12, 11, 9, 8, 7, 7, 3]) / 200
"""The share of the customers in each city, float64[cities], summing to 1."""

ABROAD = (
    Place("Manila", 14.5995, 120.9842, "PH", "112.198"),
    Place("Lagos", 6.5244, 3.3792, "NG", "105.112"),
    Place("Bucharest", 44.4268, 26.1025, "RO", "79.112"),
    Place("Sao Paulo", -23.5505, -46.6333, "BR", "177.32"),
    Place("Phnom Penh", 11.5564, 104.9282, "KH", "119.15"),
    Place("Dubai", 25.2048, 55.2708, "AE", "94.200"),
)
